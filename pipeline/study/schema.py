"""schema.pbtxt, in git: the schema of the accepted images, which later runs import and check theirs against.

TFX's SchemaGen infers a schema from the training images of each run, and Transform reads with it. A run that
finds no anomalies and no schema.pbtxt keeps its schema there; from then on ExampleValidator has that one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL
from headstart.components.shared.files import replacing
from headstart.pipeline.data import accepted
from headstart.pipeline.project import SCHEMA, WORK

_DOMAINS = ("domain", "string_domain", "bool_domain")


def staged(name: str, allowed: Sequence[str], kept: Path = SCHEMA, work: Path = WORK) -> Path | None:
    """A copy of the kept schema under a path that follows from its content: TFX's cache sees the path alone.

    Args:
        name: of the pipeline, which follows from the data set's.
        allowed: new classes that `prepare` let pass with a warning; the copy knows them too.
        kept: the schema in git.
        work: where the copy goes.

    Returns:
        The copy; None where no schema of this data set is kept yet.

    Raises:
        HeadstartError: the file is no schema.
    """
    schema = _read(kept)
    if schema is None or not _is_of(schema, name):
        return None
    if allowed:
        _allow(schema, allowed)
    text = text_format.MessageToString(schema, as_utf8=True).encode()
    file = work / "schema" / hashlib.sha256(text).hexdigest()[:16] / SCHEMA.name
    with replacing(file) as fresh:
        fresh.write_bytes(text)
    return file


def keep(name: str, inferred: Path, kept: Path = SCHEMA) -> None:
    """Keep the schema of a run that had no anomalies, unless one of this data set is kept already.

    Of the values that it lists, the classes alone are kept: other columns may gain values. Without
    accepted.json nothing is kept: after `headstart data accept` the manifest is still the earlier one, until
    `prepare` writes both anew.

    Args:
        name: of the pipeline, which follows from the data set's.
        inferred: SchemaGen's file.
        kept: the schema in git.
    """
    before = _read(kept)
    if (before is not None and _is_of(before, name)) or not kept.with_name(accepted.FILE.name).exists():
        return
    schema = text_format.Parse(inferred.read_text(encoding="utf-8"), schema_pb2.Schema())
    for feature in schema.feature:
        if feature.name != LABEL and feature.WhichOneof("domain_info") in _DOMAINS:
            feature.ClearField(feature.WhichOneof("domain_info"))
    schema.annotation.tag[:] = [name]
    named = {feature.domain for feature in schema.feature}
    domains = [domain for domain in schema.string_domain if domain.name in named]
    del schema.string_domain[:]
    schema.string_domain.extend(domains)
    with replacing(kept) as fresh:
        fresh.write_text(text_format.MessageToString(schema, as_utf8=True), encoding="utf-8")


def _read(kept: Path) -> schema_pb2.Schema | None:
    try:
        return text_format.Parse(kept.read_text(encoding="utf-8"), schema_pb2.Schema())
    except FileNotFoundError:
        return None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise HeadstartError(
            f"{kept} is no schema ({error}): restore it with `git checkout {kept}`, or run "
            "`headstart data accept`, so that the next run makes it anew."
        ) from None


def _is_of(schema: schema_pb2.Schema, name: str) -> bool:
    """Whether a schema is of this data set; one without a tag is somebody's own, for any."""
    return name in schema.annotation.tag or not schema.annotation.tag


def _allow(schema: schema_pb2.Schema, labels: Sequence[str]) -> None:
    """Let the label have these values too, where its values are listed."""
    for feature in schema.feature:
        kind = feature.WhichOneof("domain_info")
        if feature.name != LABEL or kind not in _DOMAINS:
            continue
        if kind == "bool_domain":  # TFDV's, where the classes are called true and false
            values = [feature.bool_domain.true_value, feature.bool_domain.false_value]
        elif kind == "string_domain":
            values = list(feature.string_domain.value)
        else:
            (domain,) = (one for one in schema.string_domain if one.name == feature.domain)
            values = list(domain.value)
        feature.string_domain.value[:] = sorted({*values, *labels})
