import ArgumentParser
import Endpoint
import FoundationEssentials

/// How an OpenAI-compatible endpoint may be asked for lengths.
struct EndpointFlags: ParsableArguments {
  @OptionGroup var server: ServerFlags
  @Option(help: "Requests on their way at once.") var concurrency = 8
  @Option(help: "The most requests a second. (default: any number)") var rate: Double?
  @Option(
    help: """
      Answers to ask for in one request; their lengths are told by "logprobs" where it is not 1.
      """)
  var choices = 1
  @Flag(
    help: "The server does not count the token that ends an answer (llama-cpp-python does not).")
  var endUncounted = false
  @Flag(help: "Send no seeds: for servers that do not take them.") var noSeed = false

  func validate() throws {
    for (name, value) in [("--concurrency", concurrency), ("--choices", choices)]
    where !(1...1000).contains(value) {
      throw ValidationError("\(name) takes 1 to 1000, not \(value)")
    }
    if let rate, !(rate > 0 && rate < 1e6) {
      throw ValidationError("--rate takes a number above 0, not \(rate)")
    }
  }

  var endpoint: String? { server.endpoint }
  var timeout: Double { server.timeout }
  var authorization: [String] { get throws { try server.authorization } }

  var settings: RequestQueue.Settings {
    var settings = RequestQueue.Settings()
    settings.concurrency = concurrency
    settings.rate = rate
    settings.retries = server.retries
    return settings
  }
}

/// Where an OpenAI-compatible endpoint is, and how long it is waited for.
struct ServerFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Ask an OpenAI-compatible server instead of a model that runs here, such as "
        + "http://localhost:8000/v1; --model is its name for the model.", valueName: "url"))
  var endpoint: String?
  @Option(
    help: ArgumentHelp("The variable of the environment that holds the key.", valueName: "name"))
  var apiKeyEnv = "OPENAI_API_KEY"
  @Option(help: "Seconds after which a request is given up.") var timeout = 600.0
  @Option(help: "Tries of a request.") var attempts = 10
  @Option(help: "Seconds before the second try, at most; twice as long before each further one.")
  var retryDelay = 0.5

  func validate() throws {
    guard (1...1000).contains(attempts) else {
      throw ValidationError("--attempts takes 1 to 1000, not \(attempts)")
    }
    for (name, value) in [("--timeout", timeout), ("--retry-delay", retryDelay)]
    where !(value > 0 && value < 1e6) {
      throw ValidationError("\(name) takes a number above 0, not \(value)")
    }
    if let endpoint, !endpoint.hasPrefix("http://"), !endpoint.hasPrefix("https://") {
      throw ValidationError(
        "--endpoint takes an http:// or https:// URL, not \(endpoint.printable)")
    }
  }

  var retries: RetryPolicy {
    var retries = RetryPolicy()
    retries.attempts = attempts
    retries.firstDelay = retryDelay
    return retries
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
