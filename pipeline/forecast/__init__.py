"""How many more images a target takes: learning curves on stored features, and their continuation."""
