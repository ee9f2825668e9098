"""`demo`."""

import click


@click.command
def demo() -> None:
    """Run the main job before your eyes."""
