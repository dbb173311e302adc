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
  ]

  private static let maths = [
    "A baker makes 24 rolls and sells 3 bags of 5. How many rolls are left?",
    "Anna reads 12 pages a day for a week, then 20 pages a day for 4 days. How many pages is that?",
    "A shirt costs $30 and is reduced by 20%. What do two of them cost?",
  ]

  private static let code = [
    "def count_vowels(text):\n    \"\"\"Return how many vowels the text has.\"\"\"",
    "def second_largest(numbers):\n    \"\"\"Return the second largest of at least two numbers.\"\"\"",
    "def is_palindrome(word):\n    \"\"\"Return whether the word reads the same backwards.\"\"\"",
  ]
}
