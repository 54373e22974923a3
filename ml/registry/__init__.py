"""Models from training to service: artefacts with their hashes, MLflow's store, promotion."""
