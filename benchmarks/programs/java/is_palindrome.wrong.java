import java.util.*;
import java.util.stream.*;

class Problem {
    public static boolean is_palindrome(String text) {
        String letters = text.replaceAll("[^A-Za-z]", "");
        return new StringBuilder(letters).reverse().toString().equals(letters);
    }
}
