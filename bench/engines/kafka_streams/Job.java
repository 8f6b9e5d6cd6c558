import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The job of the bench on Kafka Streams, exactly_once_v2: decode JSON, drop repeats by a table with changelog, write two
 * topics. Settings come as system properties, see kafka_streams.py. Says FIRST on the first record and runs until killed.
 */
public final class Job {
  private static final Serde<byte[]> BYTES = Serdes.ByteArray();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final AtomicBoolean BEGUN = new AtomicBoolean();
  private static final byte[] TAKEN = {1};
  private static final String DEDUP = "dedup";

  public static void main(String[] arguments) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(DEDUP), BYTES, BYTES));
    KStream<byte[], byte[]> requests = builder.stream(setting("source"), Consumed.with(BYTES, BYTES));
    KStream<byte[], byte[]> accepted = byUser(requests).process(Once::new, DEDUP);
    for (String topic : setting("outputs").split(",")) {
      accepted.to(topic, Produced.with(BYTES, BYTES));
    }
    KafkaStreams streams = new KafkaStreams(builder.build(), configuration());
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  /** With the hop, the source is keyed by something else: a repartition topic brings each user's requests together. */
  private static KStream<byte[], byte[]> byUser(KStream<byte[], byte[]> requests) {
    if (!Boolean.parseBoolean(setting("hop"))) {
      return requests;
    }
    return requests
        .selectKey((key, raw) -> utf8(decode(raw).get("user_id")))
        .repartition(Repartitioned.with(BYTES, BYTES).withName("by-user"));
  }

  private static Properties configuration() {
    Properties all = new Properties();
    all.put("application.id", setting("app"));
    all.put("bootstrap.servers", setting("bootstrap"));
    all.put("state.dir", setting("data"));
    all.put("processing.guarantee", "exactly_once_v2");
    all.put("commit.interval.ms", setting("interval"));
    all.put("num.stream.threads", setting("threads"));
    all.put("auto.offset.reset", "earliest");
    all.put("replication.factor", "1");
    all.put("producer.linger.ms", "5");
    all.put("producer.batch.size", "524288");
    all.put("max.poll.records", "5000");
    return all;
  }

  private static final class Once implements Processor<byte[], byte[], byte[], byte[]> {
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> taken;

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
      context = given;
      taken = given.getStateStore(DEDUP);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      JsonNode request = decode(record.value());
      byte[] key = utf8(request.get("idempotency_key"));
      if (taken.get(key) != null) {
        return;
      }
      taken.put(key, TAKEN);
      ObjectNode message = JSON.createObjectNode();
      message.set("id", request.get("idempotency_key"));
      message.set("to", request.get("user_id"));
      message.set("p", request.get("params"));
      context.forward(record.withValue(encode(message)));
    }
  }

  private static JsonNode decode(byte[] raw) {
    if (BEGUN.compareAndSet(false, true)) {
      System.out.println("FIRST");
    }
    try {
      return JSON.readTree(raw);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static byte[] encode(JsonNode node) {
    try {
      return JSON.writeValueAsBytes(node);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static byte[] utf8(JsonNode text) {
    return text.textValue().getBytes(StandardCharsets.UTF_8);
  }

  private static String setting(String name) {
    return System.getProperty(name);
  }
}
