"""One whole pipeline of real processes, shared by the tests of this folder."""
