"""The simulators' equations, each with its source: a centrifugal pump, its sensors, a plant of such pumps; a weld cell.

Numpy only: no file, no clock, no BLAS. A pump's step arithmetic is + - * / and square root, which IEEE 754 rounds alike
on every CPU; the weld cell also has powers and exp, whose last bit may differ.
"""
