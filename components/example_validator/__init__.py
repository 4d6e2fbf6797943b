"""ExampleValidator: anomalies in the data stop the run, with a message a person can act on."""
