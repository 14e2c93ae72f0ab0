"""Networks that BDGF is compared with, trained by the same loop."""
