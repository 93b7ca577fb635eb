import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/** Java's verdict on each pair of schemas: why data of the writer cannot be read as the reader, or "invalid" when one of the two is no schema. */
public class Verdicts {
  public static void main(String[] files) throws Exception {
    ObjectMapper json = new ObjectMapper();
    try (PrintWriter out = new PrintWriter(files[1], StandardCharsets.UTF_8)) {
      for (String line : Files.readAllLines(Path.of(files[0]))) {
        ObjectNode one = (ObjectNode) json.readTree(line);
        try {
          Schema reader = new Schema.Parser().parse(one.get("reader").toString());
          Schema writer = new Schema.Parser().parse(one.get("writer").toString());
          var found = json.createArrayNode();
          try {
            for (var problem : SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult().getIncompatibilities()) found.add(problem.getType() + " " + problem.getLocation());
            one.set("verdict", found);
          } catch (RuntimeException ambiguous) {
            one.put("verdict", "refused: " + ambiguous.getMessage());
          }
        } catch (RuntimeException invalid) {
          one.put("verdict", "invalid");
        }
        out.println(one);
      }
    }
  }
}
