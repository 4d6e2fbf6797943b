"""The names that pass between components: splits, raw features, transformed features."""

TRAIN = "train"
VALIDATION = "validation"
TEST = "test"
SPLITS = (TRAIN, VALIDATION, TEST)

# Raw features: what ImageExampleGen writes and the served model is sent.
IMAGE = "image"  # bytes: the encoded file
LABEL = "label"  # str: the class name
PATH = "path"  # str: relative to the data folder; names the image in predictions
GROUP = "group"  # str: images with the same one stay together, in splits and in folds
FOLD = "fold"  # a manifest column, no feature: which fold holds the training image out
RANK = "rank"  # int64: place among the training images, so that a subset is a prefix; -1 in other splits

# Transformed features: what Transform writes and Trainer reads.
PIXELS = "pixels"  # bytes: raw uint8 [size, size, 3]
LABEL_INDEX = "label_index"  # int64: position in the vocabulary

VOCABULARY = "labels"  # the transform graph's vocabulary file of class names

# Manifest columns that are not slices; every other column is one.
MANIFEST_COLUMNS = (PATH, LABEL, "split", RANK, FOLD, "sha256", GROUP)

# Of one image. A small file may claim more (a decompression bomb): import, server and served graph refuse it.
MAX_PIXELS = 178_956_970  # Pillow's limit too

Feature = tuple[int, int]  # a base's block, numbered from 0 at its input, and the grid that it is pooled to
