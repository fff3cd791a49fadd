"""Stillwatch finds adversarial-distillation campaigns in model-API logs."""

__version__ = "0.1.0"
