"""What is said: Avro schemas, codec, identifiers, frozen records."""
