"""The job of the bench on each engine, one program each; `bench.contest` starts them as processes."""
