"""Transform: what turns an encoded image into pixels, in training and in serving alike."""
