"""Partitioning as Java's default does, held against two other clients' implementations."""

from __future__ import annotations

from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_python_murmur2

from pipelines.topics import TOPICS, Topic, murmur2, named, partition_of


@given(st.binary(max_size=60))
def test_murmur2_is_that_of_both_kafka_clients(key):
    assert murmur2(key) & 0xFFFFFFFF == aiokafka_murmur2(key) & 0xFFFFFFFF == kafka_python_murmur2(key) & 0xFFFFFFFF


def test_known_values_of_javas_own_tests():
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {key: murmur2(key) for key in known} == {key: value & 0xFFFFFFFF for key, value in known.items()}


@given(st.binary(max_size=60), st.integers(1, 50))
def test_a_partition_is_in_range(key, partitions):
    assert 0 <= partition_of(key, partitions) < partitions


def test_every_topic_is_declared_once():
    assert sorted(spec.topic for spec in TOPICS) == sorted(Topic)
    assert named("plant-a.", Topic.ALERTS) == "plant-a.alerts"
