import java.util.*;
import java.util.stream.*;

class Problem {
    public static HashMap<String, Long> count_words(String text) {
        HashMap<String, Long> counts = new HashMap<>();
        for (String word : text.split(" ")) {
            if (!word.isEmpty()) {
                counts.merge(word, 1L, Long::sum);
            }
        }
        return counts;
    }
}
