"""What tests share: small plants and models, seeded streams, faults as data."""
