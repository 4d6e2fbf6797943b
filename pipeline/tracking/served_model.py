"""The registered model as MLflow loads it: encoded images in, label and probability out.

MLflow copies this file beside the model and runs it there, so it imports nothing of ours.
"""

from typing import Any

import mlflow


class ImageClassifier(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """Wraps the SavedModel's `serving_default` signature."""

    def load_context(self, context: Any) -> None:
        """Load the SavedModel once."""
        import tensorflow as tf

        self.model = tf.saved_model.load(context.artifacts["saved_model"])

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # MLflow reads hints
        """A frame with a binary column `image` to one with `label` and `probability`."""
        import pandas as pd
        import tensorflow as tf

        answer = self.model.signatures["serving_default"](image=tf.constant(list(model_input["image"])))
        labels = [label.decode() for label in answer["label"].numpy()]
        return pd.DataFrame({"label": labels, "probability": answer["probabilities"].numpy().max(axis=1)})


mlflow.models.set_model(ImageClassifier())
