/// What `tokenizer_config.json` says of conversations.
struct TokenizerConfiguration: Decodable {
  /// A token is written as its text or as an object with its text.
  enum Token: Decodable {
    case text(String)
    case object(Object)

    struct Object: Decodable {
      var content: String
    }

    init(from decoder: any Decoder) throws {
      if let text = try? String(from: decoder) {
        self = .text(text)
      } else {
        self = .object(try Object(from: decoder))
      }
    }

    var content: String {
      switch self {
      case .text(let text): text
      case .object(let object): object.content
      }
    }
  }

  /// A template, or several with names, of which "default" is meant.
  enum Template: Decodable {
    case one(String)
    case several([Named])

    struct Named: Decodable {
      var name: String
      var template: String
    }

    init(from decoder: any Decoder) throws {
      if let text = try? String(from: decoder) {
        self = .one(text)
      } else {
        self = .several(try [Named](from: decoder))
      }
    }

    var text: String? {
      switch self {
      case .one(let text): text
      case .several(let list): (list.first { $0.name == "default" } ?? list.first)?.template
      }
    }
  }

  var chat_template: Template?
  var bos_token: Token?
  var eos_token: Token?
}
