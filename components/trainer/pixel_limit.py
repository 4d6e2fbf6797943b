"""The served graph's own guard against decompression bombs, for servers that decode all they are sent."""

from __future__ import annotations

import tensorflow as tf

from headstart.components.shared.features import MAX_PIXELS

_HEADER = 26  # bytes, up to the end of the size in a BMP


def within_pixel_limit(images: tf.Tensor) -> tf.Tensor:
    """Encoded images, unchanged, once the size in each one's header has been looked at.

    The sizes stand where `tf.io.decode_image` reads them. What is none of its four formats passes, for it is
    refused there.

    Args:
        images: string [batch].

    Returns:
        string [batch]; in the graph it raises InvalidArgumentError where an image claims more than
        `MAX_PIXELS`, or is a JPEG without a size.
    """
    with tf.control_dependencies(
        [
            tf.debugging.Assert(
                tf.reduce_all(pixels <= MAX_PIXELS),
                [f"An image has more than {MAX_PIXELS:,} pixels, and is not decoded."],
            )
            for pixels in (_in_header(images), _in_jpegs(images))
        ]
    ):
        return tf.identity(images)


def _in_header(images: tf.Tensor) -> tf.Tensor:
    """Pixels of PNG, GIF and BMP files, whose size has a fixed place; 0 of others; int64 [batch]."""
    padded = tf.strings.join([tf.strings.substr(images, 0, _HEADER), tf.constant(b"\0" * _HEADER)])
    head = tf.strings.substr(padded, 0, _HEADER)
    octets = tf.cast(tf.reshape(tf.io.decode_raw(head, tf.uint8), [-1, _HEADER]), tf.int64)

    def number(*places: int) -> tf.Tensor:
        """Of the bytes at these places, the most significant first."""
        return sum(octets[:, place] * 256**power for power, place in enumerate(reversed(places)))

    def begins(magic: bytes) -> tf.Tensor:
        return tf.equal(tf.strings.substr(head, 0, len(magic)), magic)

    rows = number(25, 24, 23, 22)  # of a BMP: negative where the first row is the topmost
    rows = tf.where(rows < 2**31, rows, 2**32 - rows)
    zero = tf.zeros_like(rows)
    png = tf.where(begins(b"\x89PNG"), number(16, 17, 18, 19) * number(20, 21, 22, 23), zero)
    gif = tf.where(begins(b"GIF8"), number(7, 6) * number(9, 8), zero)
    bmp = tf.where(begins(b"BM"), number(21, 20, 19, 18) * rows, zero)
    return tf.where(png < 0, tf.int64.max, png) + gif + bmp  # two sizes of 32 bits may overflow


def _in_jpegs(images: tf.Tensor) -> tf.Tensor:
    """Pixels of the JPEG files alone, whose size stands behind segments of any length; int64 [JPEGs]."""
    jpegs = tf.boolean_mask(images, tf.equal(tf.strings.substr(images, 0, 3), b"\xff\xd8\xff"))

    def pixels(jpeg: tf.Tensor) -> tf.Tensor:
        shape = tf.cast(tf.image.extract_jpeg_shape(jpeg), tf.int64)
        return shape[0] * shape[1]

    return tf.map_fn(pixels, jpegs, fn_output_signature=tf.int64)
