import ArgumentParser
import Endpoint
import FoundationEssentials

/// Where an OpenAI-compatible endpoint is and how it may be asked.
struct EndpointFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Ask an OpenAI-compatible server instead of a model that runs here, such as "
        + "http://localhost:8000/v1.", valueName: "url"))
  var endpoint: String?
  @Option(
    help: ArgumentHelp("The variable of the environment that holds the key.", valueName: "name"))
  var apiKeyEnv = "OPENAI_API_KEY"
  @Option(help: "Requests on their way at once.") var concurrency = 8
  @Option(help: "The most requests a second. (default: any number)") var rate: Double?
  @Option(
    help: """
      Answers to ask for in one request; their lengths are told by "logprobs" where it is not 1.
      """)
  var choices = 1
  @Option(help: "Seconds after which a request is given up and tried again.") var timeout = 600.0
  @Option(help: "Tries of a request.") var attempts = 10
  @Option(help: "Seconds before the second try, at most; twice as long before each further one.")
  var retryDelay = 0.5
  @Flag(
    help: "The server does not count the token that ends an answer (llama-cpp-python does not).")
  var endUncounted = false
  @Flag(help: "Send no seeds: for servers that do not take them.") var noSeed = false

  func validate() throws {
    for (name, value) in [
      ("--concurrency", concurrency), ("--choices", choices), ("--attempts", attempts),
    ] where !(1...1000).contains(value) {
      throw ValidationError("\(name) takes 1 to 1000, not \(value)")
    }
    for (name, value) in [
      ("--rate", rate ?? 1), ("--timeout", timeout), ("--retry-delay", retryDelay),
    ]
    where !(value > 0 && value < 1e6) {
      throw ValidationError("\(name) takes a number above 0, not \(value)")
    }
    if let endpoint, !endpoint.hasPrefix("http://"), !endpoint.hasPrefix("https://") {
      throw ValidationError(
        "--endpoint takes an http:// or https:// URL, not \(endpoint.printable)")
    }
  }

  var settings: RequestQueue.Settings {
    var settings = RequestQueue.Settings()
    settings.concurrency = concurrency
    settings.rate = rate
    settings.retries.attempts = attempts
    settings.retries.firstDelay = retryDelay
    return settings
  }

  /// The header with the key, if there is one.
  ///
  /// - Throws: `CommandError` for a key that is no line.
  var authorization: [String] {
    get throws {
      guard let key = ProcessInfo.processInfo.environment[apiKeyEnv], !key.isEmpty else {
        return []
      }
      guard key.utf8.allSatisfy({ (33...126).contains($0) }) else {
        throw CommandError(
          Failure.usage, "\(apiKeyEnv): the key has characters that no key has")
      }
      return ["Authorization: Bearer \(key)"]
    }
  }
}
