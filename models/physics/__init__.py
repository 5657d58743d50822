"""The simulators' equations, each with its source: a centrifugal pump, its load, its sensors and a plant of such pumps.

Numpy only: no file, no clock, no BLAS. Step arithmetic is + - * / and square root, which IEEE 754 rounds alike on
every CPU.
"""
