"""Fine-tuning of pretrained models on labelled sets, several at once."""
