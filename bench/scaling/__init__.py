"""The parts of `bench.scale`: people and objects that cost little to make, the drive through the intake, seeding, searching."""
