import java.util.*;
import java.util.stream.*;

class Problem {
    public static String caesar(String text, long shift) {
        StringBuilder moved = new StringBuilder();
        for (char c : text.toCharArray()) {
            if (c >= 'a' && c <= 'z') {
                moved.append((char) (Math.floorMod(c - 'a' + shift, 26) + 'a'));
            } else if (c >= 'A' && c <= 'Z') {
                moved.append((char) (Math.floorMod(c - 'A' + shift, 26) + 'A'));
            } else {
                moved.append(c);
            }
        }
        return moved.toString();
    }
}
