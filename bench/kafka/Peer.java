import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * What bench/kafka-*.ts compares with: Kafka Streams, exactly_once_v2, one thread.
 *
 * windows: count, sum, min and max of one-minute tumbling windows for each key; those whose max passes the limit go out as `key@start`.
 * alerts:  each reading goes out again under its key with the value it came with; no state at all.
 * Usage:   Peer windows|alerts servers application input output default|tuned
 */
public final class Peer {
  record Reading (long at, double value) {}
  static final class Stats { double count, sum, min, max; }

  /** Confluent wire format: 5 bytes, then sensorId, ts, value, quality. */
  static final class ReadingSerde implements Serde<Reading> {
    public Serializer<Reading> serializer () { return (topic, one) -> ByteBuffer.allocate(16).putLong(one.at).putDouble(one.value).array(); }
    public Deserializer<Reading> deserializer () {
      return (topic, bytes) -> {
        int[] next = { 5 };
        int length = (int) zigzag(bytes, next);
        next[0] += length;
        long at = zigzag(bytes, next);
        return new Reading(at, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getDouble(next[0]));
      };
    }
  }

  static final class StatsSerde implements Serde<Stats> {
    public Serializer<Stats> serializer () { return (topic, one) -> one == null ? null : ByteBuffer.allocate(32).putDouble(one.count).putDouble(one.sum).putDouble(one.min).putDouble(one.max).array(); }
    public Deserializer<Stats> deserializer () {
      return (topic, bytes) -> {
        if (bytes == null) return null;
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        Stats one = new Stats();
        one.count = buffer.getDouble();
        one.sum = buffer.getDouble();
        one.min = buffer.getDouble();
        one.max = buffer.getDouble();
        return one;
      };
    }
  }

  static long zigzag (byte[] bytes, int[] next) {
    long value = 0;
    byte one;
    int shift = 0;
    do {
      one = bytes[next[0]++];
      value |= (long) (one & 127) << shift;
      shift += 7;
    } while (one < 0);
    return (value >>> 1) ^ -(value & 1);
  }

  public static void main (String[] given) {
    String what = given[0], input = given[3], output = given[4];
    boolean tuned = given[5].equals("tuned");
    Properties settings = new Properties();
    settings.put("bootstrap.servers", given[1]);
    settings.put("application.id", given[2]);
    settings.put("state.dir", given[6]);
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("num.stream.threads", "1");
    settings.put("auto.offset.reset", "earliest");
    if (tuned && what.equals("windows")) {
      settings.put("statestore.cache.max.bytes", "" + (100 << 20));
      settings.put("max.partition.fetch.bytes", "" + (4 << 20));
      settings.put("fetch.max.bytes", "" + (50 << 20));
      settings.put("max.poll.records", "5000");
    }
    if (tuned && what.equals("alerts")) {
      settings.put("commit.interval.ms", "10");
      settings.put("linger.ms", "0");
      settings.put("poll.ms", "10");
    }
    StreamsBuilder builder = new StreamsBuilder();
    if (what.equals("windows")) windows(builder, input, output, tuned);
    else builder.stream(input, Consumed.with(Serdes.String(), Serdes.ByteArray())).to(output, Produced.with(Serdes.String(), Serdes.ByteArray()));
    KafkaStreams streams = new KafkaStreams(builder.build(settings), settings);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    streams.setStateListener((now, before) -> { if (now == KafkaStreams.State.RUNNING) System.out.println("ready"); });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
    streams.start();
  }

  static void windows (StreamsBuilder builder, String input, String output, boolean tuned) {
    Duration size = Duration.ofMinutes(1);
    Materialized<String, Stats, WindowStore<Bytes, byte[]>> kept = tuned
      ? Materialized.as(Stores.inMemoryWindowStore("windows", size.multipliedBy(2), size, false))
      : Materialized.as("windows");
    builder.stream(input, Consumed.with(Serdes.String(), new ReadingSerde()).withTimestampExtractor((record, before) -> ((Reading) record.value()).at))
      .groupByKey(Grouped.with(Serdes.String(), new ReadingSerde()))
      .windowedBy(TimeWindows.ofSizeWithNoGrace(size))
      .aggregate(Stats::new, (key, reading, stats) -> {
        if (stats.count == 0) stats.min = stats.max = reading.value;
        else if (reading.value < stats.min) stats.min = reading.value;
        else if (reading.value > stats.max) stats.max = reading.value;
        stats.count += 1;
        stats.sum += reading.value;
        return stats;
      }, kept.withKeySerde(Serdes.String()).withValueSerde(new StatsSerde()))
      .toStream((window, stats) -> window.key() + "@" + window.window().start())
      .filter((key, stats) -> stats.max > 49.95)
      .to(output, Produced.with(Serdes.String(), new StatsSerde()));
  }
}
