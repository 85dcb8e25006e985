// What programs often use, compiled and run once a machine to archive the classes that this loads.
import java.util.*;
import java.util.function.*;
import java.util.stream.*;
import org.javatuples.*;

class Problem {
    public static Object f(long number, List<Integer> items, Map<String, ? extends Number> map) {
        List<Object> all = new ArrayList<>(mixed());
        all.add(words(number < 0 ? null : "a b  a"));
        all.add(Pair.with(Optional.of(2.5), new HashSet<>(List.of("x"))));
        return all;
    }

    static Map<String, Integer> words(String text) {
        HashMap<String, Integer> counts = new HashMap<>();
        for (String word : text.trim().split(" +")) {
            counts.merge(word.toLowerCase().replace("x", "y"), 1, Integer::sum);
        }
        return new TreeMap<>(counts);
    }

    static List<Long> mixed() {
        ArrayList<Long> xs = new ArrayList<>(Arrays.asList(3L, 1L, 2L));
        Collections.sort(xs);
        xs.sort(Comparator.comparing((Long x) -> -x).reversed());
        Deque<Long> queue = new ArrayDeque<>(xs);
        PriorityQueue<Long> heap = new PriorityQueue<>(Collections.reverseOrder());
        Set<Long> seen = new LinkedHashSet<>();
        while (!queue.isEmpty()) {
            seen.add(queue.poll());
            heap.add((long) seen.size());
        }
        StringBuilder text = new StringBuilder("a").append('b').reverse();
        BiFunction<Long, Long, Long> sum = (x, y) -> x + y;
        System.out.println(text + String.join(",", List.of("a")) + String.format("%02d %.2f", 1, 2.5) + sum.apply(1L, 2L));
        System.out.println(seen.stream().map(String::valueOf).collect(Collectors.joining(",")));
        System.out.println(IntStream.range(0, 3).mapToObj(i -> i * 2).collect(Collectors.groupingBy(i -> i % 2)));
        try {
            Long.parseLong("a");
        } catch (NumberFormatException e) {
            System.out.println(e.getMessage() + Math.max(1, 2) + Arrays.toString(new long[] {1}));
        }
        return xs.stream().filter(x -> x > 1).sorted().collect(Collectors.toList());
    }
}

class GlotsmithCalls {
    static Object[] call0() {
        return new Object[] {1L, glotsmith.Support.listOf(1L, 2L), glotsmith.Support.mapOf("a", 1L)};
    }

    static Object[] call1() {
        return new Object[] {-1L, glotsmith.Support.listOf(1L, 2L), glotsmith.Support.mapOf("a", 1L)};
    }
}
