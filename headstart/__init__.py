"""headstart: from a folder of labelled images to a served classifier, with proof of what transfer saved.

`pipeline` and `components` are the folders at the top of the repository, linked here:
installed under their own names, two such general words would collide with other packages.
"""
