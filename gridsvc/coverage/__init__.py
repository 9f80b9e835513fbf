"""Indicators: definitions, exact measures, the engine, figures with grades, gaps."""
