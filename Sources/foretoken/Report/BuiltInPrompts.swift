/// Prompts for a first look where there are no others: the three kinds of the usual sets, our own
/// words.
enum BuiltInPrompts {
  static let all: [Prompt] =
    chat.enumerated().map { Prompt(set: "chat", id: "\($0)", text: $1) }
    + maths.enumerated().map {
      Prompt(set: "maths", id: "\($0)", text: $1 + "\nLet's think step by step.")
    }
    + code.enumerated().map {
      Prompt(set: "code", id: "\($0)", text: "Create a Python script for this problem:\n" + $1)
    }

  private static let chat = [
    "Explain why the sky is blue to a child of ten.",
    "Give three tips for sleeping well.",
    "Write a short letter that thanks a neighbour for watering the plants.",
    "What is the difference between weather and climate?",
    "Name four things to check before a long journey by car.",
  ]

  private static let maths = [
    "A baker makes 24 rolls and sells 3 bags of 5. How many rolls are left?",
    "Anna reads 12 pages a day for a week, then 20 pages a day for 4 days. How many pages is that?",
    "A shirt costs $30 and is reduced by 20%. What do two of them cost?",
    "Tom has twice as many stamps as Ina, and Ina has 9 more than Leo's 16. How many has Tom?",
    "A tank holds 90 litres and loses 4 litres an hour. How much is in it after 6 hours?",
  ]

  private static let code = [
    "def count_vowels(text):\n    \"\"\"Return how many vowels the text has.\"\"\"",
    "def second_largest(numbers):\n    \"\"\"Return the second largest of at least two numbers.\"\"\"",
    "def is_palindrome(word):\n    \"\"\"Return whether the word reads the same backwards.\"\"\"",
    "def running_sum(numbers):\n    \"\"\"Return the list of sums of the first 1, 2, ... numbers.\"\"\"",
    "def word_lengths(sentence):\n    \"\"\"Return a dictionary from each word to its length.\"\"\"",
  ]
}
