/// How a family of chat templates writes a conversation.
///
/// `{bos}` and `{eos}` in a frame stand for the tokens that begin a sequence and end an answer.
struct ChatFormat: Sendable {
  struct Frame: Sendable {
    var before: String
    var after: String

    init(_ before: String, _ after: String) {
      self.before = before
      self.after = after
    }
  }

  /// Where a system message goes, and what stands around it there.
  enum System: Sendable {
    case turn(Frame)
    /// Before what the first user says, in that turn.
    case firstUser(Frame)
    /// Before what the last user says, in that turn.
    case lastUser(Frame)
  }

  var name: String
  /// Texts that every template of this family contains and that give it away.
  var marks: [String]
  /// Texts that show that a template does more than this table can say.
  var excluded: [String] = []
  /// Nil where the family has no place for one.
  var system: System?
  var user: Frame
  var assistant: Frame
  /// What stands before the answer.
  var answer: String
  /// Messages lose the white space at their ends.
  var trims = false
  /// A conversation begins as a sequence does, where no template says whether it should.
  var begins = false
  /// `{bos}` is in the user's frame rather than at the beginning.
  var beginsEveryUser = false
  /// A system message where the conversation has none.
  var defaultSystem: String?

  /// The first family of the table that has all its marks in `template` and nothing excluded.
  ///
  /// - Parameter template: the template with its escaped line ends replaced by line ends.
  static func recognised(in template: String) -> ChatFormat? {
    all.first { format in
      format.marks.allSatisfy(template.contains)
        && !format.excluded.contains(where: template.contains)
    }
  }

  /// The more particular ones come first.
  static let all: [ChatFormat] = [
    ChatFormat(
      name: "phi4", marks: ["<|im_start|>", "<|im_sep|>"],
      system: .turn(Frame("<|im_start|>system<|im_sep|>", "<|im_end|>")),
      user: Frame("<|im_start|>user<|im_sep|>", "<|im_end|>"),
      assistant: Frame("<|im_start|>assistant<|im_sep|>", "<|im_end|>"),
      answer: "<|im_start|>assistant<|im_sep|>"),
    ChatFormat(
      name: "chatml", marks: ["<|im_start|>", "<|im_end|>"],
      excluded: [
        "assistant\n<think>", "'<think>\n'", "<think></think>", "## Metadata",
        "<end_of_utterance>",
      ],
      system: .turn(Frame("<|im_start|>system\n", "<|im_end|>\n")),
      user: Frame("<|im_start|>user\n", "<|im_end|>\n"),
      assistant: Frame("<|im_start|>assistant\n", "<|im_end|>\n"),
      answer: "<|im_start|>assistant\n"),
    // Llama 3.1 and later always tell the date; this one is their default, so that prompts do not
    // change from day to day.
    ChatFormat(
      name: "llama3.1",
      marks: ["<|start_header_id|>", "Cutting Knowledge Date: December 2023", "Today Date: "],
      system: .turn(
        Frame(
          """
          <|start_header_id|>system<|end_header_id|>

          Cutting Knowledge Date: December 2023
          Today Date: 26 Jul 2024


          """, "<|eot_id|>")),
      user: llama3("user"), assistant: llama3("assistant"), answer: llama3("assistant").before,
      trims: true, begins: true, defaultSystem: ""),
    ChatFormat(
      name: "llama3", marks: ["<|start_header_id|>", "<|end_header_id|>"],
      excluded: ["functions", "Cutting Knowledge Date"],
      system: .turn(llama3("system")), user: llama3("user"), assistant: llama3("assistant"),
      answer: llama3("assistant").before, trims: true, begins: true),
    ChatFormat(
      name: "llama2", marks: ["[INST]", "<<SYS>>", "bos_token", ".strip()"],
      excluded: ["true == true"],
      system: .firstUser(Frame("<<SYS>>\n", "\n<</SYS>>\n\n")),
      user: Frame("{bos}[INST] ", " [/INST]"), assistant: Frame(" ", " {eos}"), answer: "",
      trims: true, beginsEveryUser: true),
    ChatFormat(
      name: "mistral-tekken", marks: ["[AVAILABLE_TOOLS]", "[INST]\""],
      system: .lastUser(Frame("", "\n\n")),
      user: Frame("[INST]", "[/INST]"), assistant: Frame("", "{eos}"), answer: "", begins: true),
    ChatFormat(
      name: "mistral-v0.1",
      marks: ["'[INST] ' + message['content'] + ' [/INST]'", "eos_token + ' '"],
      excluded: ["<<SYS>>"],
      system: nil,
      user: Frame("[INST] ", " [/INST]"), assistant: Frame("", "{eos} "), answer: "", begins: true),
    ChatFormat(
      name: "mistral", marks: ["'[INST] ' + message['content'] + ' [/INST]'"],
      excluded: ["<<SYS>>"],
      system: nil,
      user: Frame("[INST] ", " [/INST]"), assistant: Frame("", "{eos}"), answer: "", begins: true),
    ChatFormat(
      name: "gemma3", marks: ["<start_of_turn>", "first_user_prefix"],
      system: .firstUser(Frame("", "\n\n")), user: gemma("user"), assistant: gemma("model"),
      answer: gemma("model").before, trims: true, begins: true),
    ChatFormat(
      name: "gemma", marks: ["<start_of_turn>"],
      system: nil, user: gemma("user"), assistant: gemma("model"),
      answer: gemma("model").before, trims: true, begins: true),
    ChatFormat(
      name: "phi4-mini", marks: ["'|>' + message['content'] + '<|end|>'"],
      system: .turn(Frame("<|system|>", "<|end|>")), user: Frame("<|user|>", "<|end|>"),
      assistant: Frame("<|assistant|>", "<|end|>"), answer: "<|assistant|>"),
    ChatFormat(
      name: "phi3", marks: ["<|assistant|>", "<|user|>", "<|end|>", "system"],
      excluded: ["\n<|end|>"],
      system: .turn(Frame("<|system|>\n", "<|end|>\n")), user: Frame("<|user|>\n", "<|end|>\n"),
      assistant: Frame("<|assistant|>\n", "<|end|>\n"), answer: "<|assistant|>\n"),
    ChatFormat(
      name: "phi3-mini", marks: ["<|assistant|>", "<|user|>", "<|end|>"], excluded: ["\n<|end|>"],
      system: nil, user: Frame("<|user|>\n", "<|end|>\n"),
      assistant: Frame("<|assistant|>\n", "<|end|>\n"), answer: "<|assistant|>\n"),
    ChatFormat(
      name: "zephyr", marks: ["<|assistant|>", "<|user|>", "eos_token"], excluded: ["<|end|>"],
      system: .turn(Frame("<|system|>\n", "{eos}\n")), user: Frame("<|user|>\n", "{eos}\n"),
      assistant: Frame("<|assistant|>\n", "{eos}\n"), answer: "<|assistant|>\n"),
    ChatFormat(
      name: "deepseek-r1", marks: ["<｜User｜>", "'<｜Assistant｜><think>\n'"],
      system: .turn(Frame("", "")), user: Frame("<｜User｜>", ""),
      assistant: Frame("<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
      answer: "<｜Assistant｜><think>\n", begins: true),
    ChatFormat(
      name: "deepseek", marks: ["<｜User｜>", "<｜Assistant｜>"], excluded: ["think>"],
      system: .turn(Frame("", "")), user: Frame("<｜User｜>", ""),
      assistant: Frame("<｜Assistant｜>", "<｜end▁of▁sentence｜>"), answer: "<｜Assistant｜>",
      begins: true),
  ]

  private static func llama3(_ role: String) -> Frame {
    Frame("<|start_header_id|>\(role)<|end_header_id|>\n\n", "<|eot_id|>")
  }

  private static func gemma(_ role: String) -> Frame {
    Frame("<start_of_turn>\(role)\n", "<end_of_turn>\n")
  }
}
