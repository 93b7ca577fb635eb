import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.apache.avro.Schema;
import org.apache.avro.generic.*;
import org.apache.avro.io.*;

/** Java's answer to each case: the bytes of the value (plain and in sized blocks by turns), and what a reader of the other schema makes of them. */
public class Vectors {
  static final ObjectMapper json = new ObjectMapper();

  public static void main(String[] files) throws Exception {
    try (PrintWriter out = new PrintWriter(files[1], StandardCharsets.UTF_8)) {
      int number = 0;
      for (String line : Files.readAllLines(Path.of(files[0]))) {
        JsonNode one = json.readTree(line);
        ObjectNode result = json.createObjectNode();
        result.set("name", one.get("name"));
        result.set("writer", one.get("writer"));
        result.set("reader", one.get("reader"));
        Schema writer = new Schema.Parser().parse(one.get("writer").toString());
        Object value = new GenericDatumReader<>(writer).read(null, DecoderFactory.get().jsonDecoder(writer, one.get("value").asText()));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        BinaryEncoder encoder = number++ % 2 == 0 ? EncoderFactory.get().directBinaryEncoder(bytes, null) : new EncoderFactory().configureBlockSize(64).blockingBinaryEncoder(bytes, null);
        new GenericDatumWriter<>(writer).write(value, encoder);
        encoder.flush();
        result.put("hex", HexFormat.of().formatHex(bytes.toByteArray()));
        try {
          Schema reader = new Schema.Parser().parse(one.get("reader").toString());
          Object read = new GenericDatumReader<>(writer, reader).read(null, DecoderFactory.get().binaryDecoder(bytes.toByteArray(), null));
          result.set("result", plain(read));
        } catch (Exception problem) {
          result.put("error", problem.getClass().getSimpleName());
        }
        out.println(result);
      }
    }
  }

  static JsonNode plain(Object value) {
    if (value == null) return json.nullNode();
    if (value instanceof Boolean || value instanceof Integer || value instanceof Long || value instanceof Double) return json.valueToTree(value);
    if (value instanceof Float f) return json.valueToTree((double) f);
    if (value instanceof ByteBuffer b) return json.getNodeFactory().textNode("bytes " + HexFormat.of().formatHex(b.array(), b.position(), b.limit()));
    if (value instanceof GenericFixed f) return json.getNodeFactory().textNode("bytes " + HexFormat.of().formatHex(f.bytes()));
    if (value instanceof Collection<?> items) {
      var array = json.createArrayNode();
      for (Object item : items) array.add(plain(item));
      return array;
    }
    ObjectNode object = json.createObjectNode();
    if (value instanceof Map<?, ?> map) {
      for (var entry : new TreeMap<>(byText(map)).entrySet()) object.set(entry.getKey(), plain(entry.getValue()));
      return object;
    }
    if (value instanceof GenericRecord record) {
      for (Schema.Field field : record.getSchema().getFields()) object.set(field.name(), plain(record.get(field.pos())));
      return object;
    }
    return json.getNodeFactory().textNode(value.toString());
  }

  static Map<String, Object> byText(Map<?, ?> map) {
    Map<String, Object> result = new HashMap<>();
    map.forEach((key, value) -> result.put(key.toString(), value));
    return result;
  }
}
