"""The Kafka transport: aiokafka behind a synchronous façade. The only module that imports aiokafka."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OffsetOutOfRangeError, TopicAlreadyExistsError, for_code
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords

from broker.ports import Extent, Fetched, Publication, Skip, SkipReason, TopicRecord
from broker.transport.kafka_guard import GuardedBatches, RefusedBatchError, refuse_to_open
from broker.transport.kafka_settings import KafkaSettings, topic_configs
from broker.transport.lanes import CAUTIOUS_RECORDS, Lane, Lanes
from broker.transport.limits import FETCH_RECORDS, MAX_MESSAGE_BYTES, refuse_oversize
from broker.transport.looping import LoopThread, end_within, look_at
from schemas.errors import OversizeRecordError, SharingError, TransportExhaustedError, TransportUnavailableError

LOG: Final = logging.getLogger(__name__)
START_SECONDS: Final = 15.0  # to connect, or to learn where a topic begins and ends
SEND_SECONDS: Final = 30.0  # for one publication; after it nobody knows what became of it
STOP_SECONDS: Final = 3.0  # for one client to end: aiokafka's own stop() may take for ever
KNOWN_SECONDS: Final = 5.0  # to learn that a topic exists
DISCARDS: Final = 3  # producers lost within DISCARD_SECONDS: this process is better started anew
DISCARD_SECONDS: Final = 300.0
PULL_MS: Final = 200  # one look for records: the longest a stopped lane goes on
BROKER_WAIT_MS: Final = 100  # the broker's long poll; with its default of 500 a drained topic held up the others
RETRY_SECONDS: Final = 0.2  # after an error of one topic
BATCH_BYTES: Final = 16 * 1024  # Kafka's limit is on the batch: small batches of good records are not refused for their sum
PARTITION_BYTES: Final = 2 * MAX_MESSAGE_BYTES  # read ahead of one topic
STALE_SECONDS: Final = 60.0  # without a sign of life a loop or lane counts as stuck
CODECS: Final = ("gzip_decode", "snappy_decode", "lz4_decode", "zstd_decode")
CODEC_MODULES: Final = ("default_records", "legacy_records", "_crecords.default_records", "_crecords.legacy_records")


def install_guard() -> None:
    """Refuse compressed batches in this process, twice over: before one is opened, and in every decoder. Quiet aiokafka's DEBUG."""
    vars(fetcher)["MemoryRecords"] = partial(GuardedBatches, MemoryRecords, DefaultRecordBatch)
    for name in CODEC_MODULES:
        with contextlib.suppress(ImportError):  # the C twins are missing where no compiler was
            module = importlib.import_module(f"aiokafka.record.{name}")
            for codec in CODECS:
                setattr(module, codec, refuse_to_open)
    logging.getLogger("aiokafka").setLevel(logging.INFO)  # DEBUG prints whole requests


class KafkaTransport:
    """A Transport on a Kafka cluster. Safe for several threads; made after a fork, never before."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connects when first used. ConfigurationError: settings or files that cannot be used."""
        install_guard()
        self._settings = settings
        self._context = settings.ssl_context()
        self._thread = LoopThread("kafka")
        options = settings.client_options(self._context)
        self._reader = _Reader(self._thread, options)
        self._writer = _Writer(self._thread, options)

    def publish(self, records: Sequence[Publication]) -> None:
        """Append in order; on return all of them survive power loss.

        OversizeRecordError: nothing was written, or the cluster allows less than we do. TransportUnavailableError: unknown, send
        again. TransportExhaustedError: end the process.
        """
        refuse_oversize(records)
        if records:
            self._writer.publish(records)

    def fetch(self, positions: Mapping[str, int], wait: float) -> Sequence[Fetched]:
        """Read each topic from its position, waiting up to `wait` seconds for the first. TransportUnavailableError: no cluster."""
        return self._reader.fetch(positions, wait)

    def ends(self, topics: Iterable[str]) -> Mapping[str, Extent]:
        """Extent of each topic that exists and may be seen. TransportUnavailableError: no cluster."""
        return self._thread.call(self._reader.ends(set(topics)), 2 * START_SECONDS)

    def healthy(self) -> bool:
        """Whether the loop turns, and every topic's task with it; when not, end the process."""
        signs = [self._thread.beat, *self._reader.beats()]
        return time.monotonic() - min(signs) < STALE_SECONDS

    def reload_certificate(self) -> None:
        """Show the certificate that is in the files now on every new connection. ConfigurationError: it cannot be used."""
        if self._context is not None:
            self._settings.load_certificate(self._context)

    def close(self) -> None:
        """Stop within 20 s, as a rule within one; nothing published is lost."""
        self._reader.lanes.close()
        with contextlib.suppress(TransportUnavailableError):
            self._thread.call(self._reader.end(), 3 * STOP_SECONDS)
        with contextlib.suppress(TransportUnavailableError):
            self._thread.call(self._writer.end(), 2 * STOP_SECONDS)
        self._thread.close()


class _Reader:
    """One consumer without a group, one task a topic."""

    def __init__(self, thread: LoopThread, options: Mapping[str, object]) -> None:
        self._thread = thread
        self._options = options
        self.lanes = Lanes()
        self._consumer: AIOKafkaConsumer | None = None  # once started
        self._aligning = asyncio.Lock()

    def fetch(self, positions: Mapping[str, int], wait: float) -> list[Fetched]:
        deadline = time.monotonic() + wait
        if not self.lanes.aligned(positions) or self._lost():
            self._thread.call(self._align(positions), 2 * START_SECONDS)
        return self.lanes.take(positions, max(0.0, deadline - time.monotonic()), lambda lane: self._thread.post(lane.room.set))

    async def ends(self, topics: Collection[str]) -> dict[str, Extent]:
        with _translated("ends"):
            consumer = await self._started()
            found = [TopicPartition(topic, 0) for topic in await consumer.topics() if topic in topics]
            starts, ends = await consumer.beginning_offsets(found), await consumer.end_offsets(found)
        return {partition.topic: Extent(start=starts[partition], end=ends[partition]) for partition in found}

    def beats(self) -> list[float]:
        return [lane.beat for lane in self.lanes.all()]

    async def end(self) -> None:
        tasks = [lane.task for lane in self.lanes.all() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        if self._consumer is not None:
            await end_within(STOP_SECONDS, self._consumer.stop())

    def _lost(self) -> bool:
        """Whether aiokafka's own fetching task has died; it then says nothing, and returns nothing for ever."""
        if self._consumer is None:
            return True
        fetching: Any = self._consumer._fetcher  # noqa: SLF001 – nothing public tells
        return bool(fetching.error_future.done())

    async def _started(self) -> AIOKafkaConsumer:
        async with self._aligning:
            if self._consumer is not None:
                if not self._lost():
                    return self._consumer
                await end_within(STOP_SECONDS, self._consumer.stop())
            consumer = AIOKafkaConsumer(
                **self._options,
                enable_auto_commit=False,
                auto_offset_reset="none",
                fetch_max_wait_ms=BROKER_WAIT_MS,
                max_partition_fetch_bytes=PARTITION_BYTES,
                request_timeout_ms=int(START_SECONDS * 1000),
            )
            try:
                await asyncio.wait_for(consumer.start(), START_SECONDS)
            except BaseException:
                await end_within(STOP_SECONDS, consumer.stop())
                raise
            # A setting that the constructor does not pass on; with its 0.1 s a full lane would hold up every other one.
            vars(consumer._fetcher)["_prefetch_backoff"] = 0.0  # noqa: SLF001 – no public way to it
            self._consumer = consumer
            self._place(consumer, self.lanes.all())
            return consumer

    async def _align(self, positions: Mapping[str, int]) -> None:
        """Give every topic of `positions` its lane, its task and its place."""
        with _translated("fetch"):
            consumer = await self._started()
            self._place(consumer, self.lanes.align(positions))
        for lane in self.lanes.all():
            if lane.task is None:
                lane.task = asyncio.create_task(self._run(lane))

    def _place(self, consumer: AIOKafkaConsumer, moved: Sequence[Lane]) -> None:
        """Let the consumer fetch every lane's topic, the moved ones from where they stand now."""
        lanes = self.lanes.all()
        partitions = {TopicPartition(lane.topic, 0) for lane in lanes}
        if partitions != consumer.assignment():
            consumer.assign(list(partitions))
            moved = lanes
        for lane in moved:
            consumer.seek(TopicPartition(lane.topic, 0), lane.position)

    async def _run(self, lane: Lane) -> None:
        while not lane.stopped:
            lane.beat = time.monotonic()
            if lane.ready is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(lane.room.wait(), PULL_MS / 1000)
                continue
            try:
                fetched = await self._pull(lane, await self._started())
                if fetched is not None:
                    self.lanes.offer(lane, fetched)
            except Exception as error:  # noqa: BLE001 – a fault of one topic ends neither its task nor another's
                LOG.warning("fetching %s failed: %s", lane.topic, type(error).__name__)
                lane.cautious = CAUTIOUS_RECORDS
                await asyncio.sleep(RETRY_SECONDS)

    async def _pull(self, lane: Lane, consumer: AIOKafkaConsumer) -> Fetched | None:
        """One look at one topic; None without news."""
        partition = TopicPartition(lane.topic, 0)
        limit = 1 if lane.cautious else FETCH_RECORDS
        try:
            found = await consumer.getmany(partition, timeout_ms=PULL_MS, max_records=limit)
        except OffsetOutOfRangeError:
            return await _pull_outside(lane, consumer)
        except RefusedBatchError as refused:
            return _pass_over(lane, consumer, refused)
        except KafkaError:
            consumer.seek(partition, lane.position)  # whatever it passed over on its own is asked for again
            raise
        records = tuple(_record(record) for record in found.get(partition, ()))
        if not records:
            return None
        lane.cautious = max(0, lane.cautious - 1)
        return Fetched(topic=lane.topic, before=lane.position, after=records[-1].offset + 1, records=records)


def _pass_over(lane: Lane, consumer: AIOKafkaConsumer, refused: RefusedBatchError) -> Fetched | None:
    """Fetch again one by one what came before the batch; once nothing is left before it, pass over it."""
    before, partition = lane.position, TopicPartition(lane.topic, 0)
    if not lane.cautious:
        lane.cautious = CAUTIOUS_RECORDS
        consumer.seek(partition, before)
        return None
    lane.cautious = 0
    after = max(refused.after, before + 1)
    consumer.seek(partition, after)
    return Fetched(topic=lane.topic, before=before, after=after, skips=(Skip(first=before, after=after, reason=refused.reason),))


async def _pull_outside(lane: Lane, consumer: AIOKafkaConsumer) -> Fetched | None:
    """The position is before the topic's start, or beyond its end."""
    before, partition = lane.position, TopicPartition(lane.topic, 0)
    start = (await consumer.beginning_offsets([partition]))[partition]
    end = (await consumer.end_offsets([partition]))[partition]
    if lane.position != before or lane.stopped or start <= before <= end:
        return None
    if before > end:
        await asyncio.sleep(RETRY_SECONDS)
        return Fetched(topic=lane.topic, before=before, after=before, beyond_end=True)
    consumer.seek(partition, start)
    skips = (Skip(first=before, after=start, reason=SkipReason.behind_start),)
    return Fetched(topic=lane.topic, before=before, after=start, skips=skips)


class _Writer:
    """One idempotent producer, discarded and made anew after any error: a refused batch leaves it failing for ever."""

    def __init__(self, thread: LoopThread, options: Mapping[str, object]) -> None:
        self._thread = thread
        self._options = options
        self._producer: AIOKafkaProducer | None = None  # once started
        self._starting = asyncio.Lock()
        self._discarded: deque[float] = deque(maxlen=DISCARDS)  # when, monotonic seconds

    def publish(self, records: Sequence[Publication]) -> None:
        self._refuse_exhausted()
        self._thread.call(self._send(records), START_SECONDS + KNOWN_SECONDS + SEND_SECONDS + 2 * STOP_SECONDS)

    async def end(self) -> None:
        if self._producer is not None:
            await end_within(STOP_SECONDS, self._producer.stop())

    async def _send(self, records: Sequence[Publication]) -> None:
        with _translated("publish"):
            producer = await self._started()
            for topic in {record.topic for record in records}:
                if not producer.client.cluster.partitions_for_topic(topic):
                    await asyncio.wait_for(producer.partitions_for(topic), KNOWN_SECONDS)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await _append(producer, records)
        except Exception as error:
            await self._discard(producer)
            self._refuse_exhausted()
            if isinstance(error, MessageSizeTooLargeError):
                raise OversizeRecordError("the cluster refused a record within our own limit: raise max.message.bytes") from error
            raise TransportUnavailableError(f"publish: {type(error).__name__}") from error

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is not None:
                return self._producer
            producer = AIOKafkaProducer(
                **self._options,
                acks="all",
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                max_request_size=MAX_MESSAGE_BYTES,
                request_timeout_ms=int(SEND_SECONDS * 1000),
            )
            try:
                await asyncio.wait_for(producer.start(), START_SECONDS)
            except BaseException:
                await end_within(STOP_SECONDS, producer.stop())
                raise
            self._producer = producer
            return producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        """End `producer` so that nothing it still holds goes out after what is sent next; count it once."""
        if self._producer is not producer:
            return
        self._producer = None
        self._discarded.append(time.monotonic())
        LOG.warning("a producer was discarded; %d in %d s end the process", DISCARDS, DISCARD_SECONDS)
        sending = producer._sender.sender_task  # noqa: SLF001 – stop() would go on sending first
        sending.cancel()
        await end_within(STOP_SECONDS, producer.client.close())
        await asyncio.wait([sending], timeout=STOP_SECONDS)
        producer._message_accumulator.fail_all(TransportUnavailableError("the producer was discarded"))  # noqa: SLF001 – nothing public does
        await end_within(STOP_SECONDS, producer.stop())

    def _refuse_exhausted(self) -> None:
        if len(self._discarded) == DISCARDS and self._discarded[-1] - self._discarded[0] < DISCARD_SECONDS:
            raise TransportExhaustedError(f"{DISCARDS} producers were lost within {DISCARD_SECONDS:.0f} s: start this process anew")


async def _append(producer: AIOKafkaProducer, records: Sequence[Publication]) -> None:
    sent: list[asyncio.Future[Any]] = []
    try:
        for record in records:
            sent.append(await producer.send(record.topic, value=record.value, key=record.key, partition=0))  # noqa: PERF401 – kept if one fails
        await asyncio.wait(sent)
    finally:
        for future in sent:
            future.add_done_callback(look_at)
    for future in sent:
        future.result()


def create_topics(settings: KafkaSettings, names: Iterable[str], replication: int) -> None:
    """Create those of `names` that are missing, one partition each, on `replication` brokers.

    ConfigurationError: settings that cannot be used. TransportUnavailableError: no cluster, or it refused.
    """
    options = settings.client_options(settings.ssl_context())
    thread = LoopThread("kafka-topics")
    try:
        thread.call(_create(options, sorted(set(names)), replication), 2 * SEND_SECONDS)
    finally:
        thread.close()


async def _create(options: Mapping[str, object], names: Sequence[str], replication: int) -> None:
    with _translated("create topics"):
        admin: Any = AIOKafkaAdminClient(**cast("dict[str, Any]", options))
        try:
            await asyncio.wait_for(admin.start(), START_SECONDS)
            wanted = [NewTopic(name, 1, replication, topic_configs=topic_configs(name, replication)) for name in names]
            answer = await admin.create_topics(wanted)
            for name, code, *_ in answer.topic_errors:
                if code not in {0, TopicAlreadyExistsError.errno}:
                    raise TransportUnavailableError(f"topic {name} was not created: {for_code(code).__name__}")
        finally:
            await end_within(STOP_SECONDS, admin.close())


def _record(record: ConsumerRecord[bytes | None, bytes | None]) -> TopicRecord:
    appended_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=record.timestamp)
    return TopicRecord(topic=record.topic, offset=record.offset, key=record.key or b"", value=record.value or b"", appended_at=appended_at)


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Let out nothing but our own errors, without a word of the client's: it may quote what was sent."""
    try:
        yield
    except SharingError:
        raise
    except Exception as error:
        raise TransportUnavailableError(f"{what}: {type(error).__name__}") from error
