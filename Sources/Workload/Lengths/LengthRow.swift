/// How answers were drawn, as CASTILLO rows record it.
package struct DecodingSettings: Hashable, Sendable {
  /// 0 where every token may be drawn.
  package var topK: Int
  package var topP: Double
  package var temperature: Double

  package init(topK: Int, topP: Double, temperature: Double) {
    self.topK = topK
    self.topP = topP
    self.temperature = temperature
  }
}

/// One prompt given to one model several times: a row of the CASTILLO dataset (arXiv 2505.16881).
package struct LengthRow: Equatable, Sendable {
  package var sampleID: String
  package var promptID: String
  /// Hugging Face identifier with `/` written as `--`.
  package var model: String
  package var dataset: String
  /// The three texts, where they were kept.
  package var promptText: String?
  package var longestResponse: String?
  package var shortestResponse: String?
  /// Tokens of the prompt with the chat template.
  package var inputSize: Int
  /// Tokens of each answer; 10 in an original row, fewer in a sanitised one.
  package var outputSizes: [Int]
  package var statistics: LengthStatistics
  package var decoding: DecodingSettings
  package var category: String
  /// Seconds that the answers took together.
  package var generationTime: Double?
  /// `train`, `validate` or `test`, where files of several splits were put together.
  package var split: String?

  package init(
    sampleID: String, promptID: String, model: String, dataset: String, promptText: String? = nil,
    longestResponse: String? = nil, shortestResponse: String? = nil, inputSize: Int,
    outputSizes: [Int], statistics: LengthStatistics, decoding: DecodingSettings,
    category: String = Self.noCategory, generationTime: Double? = nil, split: String? = nil
  ) {
    self.sampleID = sampleID
    self.promptID = promptID
    self.model = model
    self.dataset = dataset
    self.promptText = promptText
    self.longestResponse = longestResponse
    self.shortestResponse = shortestResponse
    self.inputSize = inputSize
    self.outputSizes = outputSizes
    self.statistics = statistics
    self.decoding = decoding
    self.category = category
    self.generationTime = generationTime
    self.split = split
  }

  /// What `category` says where the corpus has none.
  package static let noCategory = "undefined"
}

/// One answer of a model: its length and, if it is kept, its text.
package struct Response: Equatable, Sendable {
  /// Tokens.
  package var length: Int
  package var text: String?

  package init(length: Int, text: String? = nil) {
    self.length = length
    self.text = text
  }
}

// MARK: - Rows out of answers

extension LengthRow {
  /// The row of a prompt and its answers (at least one), as the authors' program writes it.
  ///
  /// - Parameters:
  ///   - model: the Hugging Face identifier, with `/` or with `--`.
  ///   - generationTime: seconds for all answers together.
  ///   - keepsText: whether prompt, longest and shortest answer stay in the row.
  package init(
    model: String, dataset: String, prompt: String, inputSize: Int, responses: [Response],
    decoding: DecodingSettings, category: String = Self.noCategory, generationTime: Double,
    keepsText: Bool = true
  ) {
    let model = Self.recordedName(ofModel: model)
    let sizes = responses.map(\.length)
    // The first wins a tie, as with NumPy's argmax and argmin.
    let longest = responses.first { $0.length == sizes.max() }
    let shortest = responses.first { $0.length == sizes.min() }
    self.init(
      sampleID: Self.sampleID(model: model, dataset: dataset, decoding: decoding, prompt: prompt),
      promptID: Self.promptID(dataset: dataset, prompt: prompt),
      model: model, dataset: dataset, promptText: keepsText ? prompt : nil,
      longestResponse: keepsText ? longest?.text : nil,
      shortestResponse: keepsText ? shortest?.text : nil, inputSize: inputSize,
      outputSizes: sizes, statistics: LengthStatistics(of: sizes).rounded, decoding: decoding,
      category: category,
      generationTime: LengthStatistics.rounded(generationTime, places: 5))
  }

  /// `meta-llama/Llama-3.1-8B` is recorded as `meta-llama--Llama-3.1-8B`.
  package static func recordedName(ofModel identifier: String) -> String {
    identifier.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "--")
  }

  /// The same for a prompt under every model.
  package static func promptID(dataset: String, prompt: String) -> String {
    identifier("\(dataset)_\(prompt)")
  }

  /// The same for a prompt under one model and one way of decoding.
  ///
  /// - Parameter model: as it is recorded.
  package static func sampleID(
    model: String, dataset: String, decoding: DecodingSettings, prompt: String
  ) -> String {
    identifier(
      "\(dataset)_\(model)_topk_\(decoding.topK)_topp_\(decoding.topP)"
        + "_temp_\(decoding.temperature)_\(prompt)")
  }

  /// The first 16 hexadecimal digits of the SHA-256 of the text in UTF-8.
  private static func identifier(_ text: String) -> String {
    String(SHA256.hexadecimal(text.utf8).prefix(16))
  }
}

// MARK: - Rows against their own rules

extension LengthRow {
  /// The key whose value does not follow from the row's other values by the rules, if any: a
  /// statistic against `output_sizes` and, where the prompt's text is known, an identifier.
  ///
  /// Sanitised rows keep unrounded statistics; either form will do.
  ///
  /// - Parameter prompt: the prompt's text where it is known from elsewhere.
  package func inconsistentKey(prompt: String? = nil) -> String? {
    let exact = LengthStatistics(of: outputSizes)
    func differs(_ path: KeyPath<LengthStatistics, Double>) -> Bool {
      statistics[keyPath: path] != exact.rounded[keyPath: path]
        && statistics[keyPath: path] != exact[keyPath: path]
    }
    if differs(\.mean) { return "output_mean" }
    if differs(\.standardDeviation) { return "output_std" }
    let percentiles: [KeyPath<LengthStatistics, Double>] = [\.p25, \.p50, \.p75, \.p99]
    if percentiles.contains(where: differs) { return "output_percentiles" }
    guard let prompt = prompt ?? promptText else { return nil }
    if Self.promptID(dataset: dataset, prompt: prompt) != promptID { return "prompt_id" }
    let expected = Self.sampleID(
      model: model, dataset: dataset, decoding: decoding, prompt: prompt)
    return expected == sampleID ? nil : "sample_id"
  }
}
