"""The stage `study`: plan the cells, run one TFX pipeline, collect what its nodes left."""
