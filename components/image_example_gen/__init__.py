"""ImageExampleGen: the manifest's images as `tf.train.Example` records, split as the manifest says."""
