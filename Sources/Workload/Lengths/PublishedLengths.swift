/// What the CASTILLO paper reports of its models and corpora (arXiv 2505.16881, its tables of means
/// and standard deviations): sanitised rows of all splits, averages over rows of `output_mean` and of
/// `output_std`. Facts to set one's own rows beside.
package struct PublishedLengths: Equatable, Sendable {
  /// As rows record them.
  package var model: String
  package var dataset: String
  /// Tokens.
  package var mean: Double
  package var standardDeviation: Double

  /// By model, then by corpus.
  package static let castillo: [PublishedLengths] = table.flatMap { model, cells in
    zip(corpora, cells.split(separator: " ")).compactMap { corpus, cell in
      let numbers = cell.split(separator: "/").compactMap { Double($0) }
      guard numbers.count == 2 else { return nil }
      return PublishedLengths(
        model: model, dataset: corpus, mean: numbers[0], standardDeviation: numbers[1])
    }
  }

  private static let corpora = [
    "Alpaca", "Apps", "BigCodeBench", "DS1000", "DollyDataset", "Mbpp", "ShareGPT",
  ]

  private static let table = [
    (
      "google--gemma-3-12b-it",
      "690.7/74.5 264.0/60.4 361.9/37.8 77.2/21.0 635.9/58.3 189.1/45.7 1251.4/138.1"
    ),
    (
      "google--gemma-3-4b-it",
      "539.6/49.8 277.4/66.0 328.8/31.2 70.1/15.2 519.5/39.9 234.2/85.4 990.3/112.0"
    ),
    (
      "meta-llama--Llama-3.2-1B-Instruct",
      "328.3/70.2 507.8/146.8 514.0/66.8 391.3/81.9 286.1/55.0 411.0/71.9 619.0/191.4"
    ),
    (
      "meta-llama--Llama-3.2-3B-Instruct",
      "295.8/43.4 387.1/123.9 505.5/57.2 359.1/69.2 259.7/36.9 107.0/37.3 535.5/106.2"
    ),
    (
      "meta-llama--Llama-3.3-70B-Instruct",
      "314.2/35.3 503.1/133.8 529.3/61.4 394.0/73.2 282.7/28.9 247.9/27.1 533.9/65.6"
    ),
    (
      "meta-llama--Llama-3.1-8B-Instruct",
      "326.1/51.2 503.9/117.6 509.7/53.5 385.7/85.2 283.4/42.7 379.1/72.8 568.8/108.7"
    ),
    (
      "mistralai--Ministral-8B-Instruct-2410",
      "312.9/69.3 652.3/117.3 489.6/92.6 434.0/78.1 293.9/68.3 437.8/78.5 560.2/123.5"
    ),
    (
      "mistralai--Mistral-7B-Instruct-v0.3",
      "284.8/62.1 510.3/148.9 428.7/75.1 299.4/94.5 264.4/56.9 357.8/81.9 502.0/123.1"
    ),
    (
      "mistralai--Mixtral-8x7B-Instruct-v0.1",
      "262.0/60.7 573.4/210.4 433.2/144.9 280.7/119.3 255.9/53.8 381.6/117.1 445.4/121.3"
    ),
    (
      "microsoft--Phi-4-mini-instruct",
      "221.0/72.8 542.5/151.2 373.0/87.5 416.7/93.4 248.0/65.7 363.0/80.4 527.7/165.8"
    ),
    (
      "Qwen--Qwen2.5-14B-Instruct",
      "255.7/32.6 606.8/69.8 514.0/52.4 348.6/63.5 236.1/31.5 374.2/36.3 480.2/70.5"
    ),
    (
      "Qwen--Qwen2.5-32B-Instruct",
      "257.5/30.1 583.9/63.5 434.0/48.0 329.8/55.7 242.3/29.9 372.9/37.6 466.4/60.8"
    ),
    (
      "Qwen--Qwen2.5-7B-Instruct-1M",
      "298.5/47.5 662.4/81.6 427.7/46.6 345.9/38.1 303.9/51.5 344.2/28.0 598.1/115.0"
    ),
  ]
}
