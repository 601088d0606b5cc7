"""Models, adapters and tokenizers from the Hugging Face hub."""
