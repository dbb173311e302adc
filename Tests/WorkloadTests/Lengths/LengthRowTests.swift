import Testing

@testable import Workload

@Suite("CASTILLO rows")
struct LengthRowTests {
  @Test(
    "SHA-256 gives the digests of FIPS 180-4 around the padding's edges",
    arguments: [
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (
        String(repeating: "a", count: 55),
        "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"
      ),
      (
        String(repeating: "a", count: 56),
        "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"
      ),
      (
        String(repeating: "a", count: 119),
        "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"
      ),
    ])
  func sha256(text: String, digest: String) {
    #expect(SHA256.hexadecimal(text.utf8) == digest)
  }

  // The expected numbers are NumPy's for the same lengths.
  @Test("statistics are NumPy's to the last digit")
  func statistics() {
    let seven = LengthStatistics(of: [1, 2, 3, 4, 5, 6, 7])
    #expect(
      seven
        == LengthStatistics(
          mean: 4, standardDeviation: 2, p25: 2.5, p50: 4, p75: 5.5, p99: 6.9399999999999995))
    let ten = LengthStatistics(of: [53, 53, 53, 53, 52, 52, 53, 52, 53, 53])
    #expect(ten.standardDeviation == 0.45825756949558394)
    let twelve = LengthStatistics(of: [1, 15001, 3, 8, 1, 2, 9, 4, 3, 2, 11, 12])
    #expect(twelve.standardDeviation == 4144.652018465081)
    #expect(twelve.p99 == 13352.210000000008)
    #expect(twelve.rounded.p99 == 13352.21)
  }

  @Test(
    "decimals are rounded as Python rounds them",
    arguments: [
      (2.675, 2, 2.67), (0.125, 2, 0.12), (0.375, 2, 0.38), (1.005, 2, 1.0), (1.0005, 3, 1.0),
      (2.0015, 3, 2.002),
    ])
  func rounding(value: Double, places: Int, expected: Double) {
    #expect(LengthStatistics.rounded(value, places: places) == expected)
  }

  // Made by Python from the rules: json.dumps of the dictionary with hashlib's and NumPy's values.
  static let reference =
    #"{"sample_id": "d9f36c9da4c8c25c", "prompt_id": "7b6a3cb41d0134b1", "#
    + #""model": "maker--Model-1B", "dataset": "DollyDataset", "#
    + #""prompt_text": "Who wrote \u00ab\u00c9mile\u00bb?\n\tTell me \ud83d\ude42 \\ \"now\".\u007f", "#
    + #""longest_response": "It was\u2028him", "shortest_response": "Him.", "input_size": 31, "#
    + #""output_sizes": [425, 429, 308, 442, 347, 292, 433, 476, 485, 407], "#
    + #""output_mean": 404.4, "output_std": 63.33, "#
    + #""output_percentiles": {"p25": 362.0, "p50": 427.0, "p75": 439.75, "p99": 484.19}, "#
    + #""top_k": 50, "top_p": 0.9, "temp": 1.0, "category": "open_qa", "gen_time": 47.2709}"#

  @Test("a row is written byte for byte as the authors' program writes it, and read back")
  func reference() throws {
    let sizes = [425, 429, 308, 442, 347, 292, 433, 476, 485, 407]
    var responses = sizes.map { Response(length: $0) }
    responses[8].text = "It was\u{2028}him"
    responses[5].text = "Him."
    let row = LengthRow(
      model: "maker/Model-1B", dataset: "DollyDataset",
      prompt: "Who wrote «Émile»?\n\tTell me 🙂 \\ \"now\".\u{7F}", inputSize: 31,
      responses: responses, decoding: DecodingSettings(topK: 50, topP: 0.9, temperature: 1),
      category: "open_qa", generationTime: 47.270899999)
    #expect(row.json == Self.reference)
    #expect(row.inconsistentKey() == nil)
    var reader = LengthRowReader(text: Self.reference)
    #expect(try reader.rest() == [row])
  }

  @Test("the longest and the shortest answer are the first of their length")
  func firstWins() {
    let row = LengthRow(
      model: "m", dataset: "d", prompt: "p", inputSize: 1,
      responses: [
        Response(length: 3, text: "a"), Response(length: 9, text: "b"),
        Response(length: 9, text: "c"), Response(length: 3, text: "d"),
      ], decoding: Rows.plain, generationTime: 1)
    #expect(row.longestResponse == "b")
    #expect(row.shortestResponse == "a")
  }

  @Test("an array is one line in the authors' form, and reads like the lines")
  func array() throws {
    let rows = [Rows.row(sizes: [7, 7, 7]), Rows.row(prompt: "{\"]}\\", sizes: [1, 2])]
    let text = LengthRow.jsonArray(rows)
    #expect(text == "[" + rows[0].json + ", " + rows[1].json + "]")
    for chunkSize in [1, 7, 4096] {
      var reader = LengthRowReader(text: " \n" + text + "\n", chunkSize: chunkSize)
      #expect(try reader.rest() == rows)
      var lines = LengthRowReader(
        text: rows.map(\.json).joined(separator: "\r\n") + "\n\n", chunkSize: chunkSize)
      #expect(try lines.rest() == rows)
    }
  }

  @Test(
    "a value that does not follow from the others is named",
    arguments: [
      ("output_mean", "404.4", "404.5"), ("output_std", "63.33", "63.34"),
      ("output_percentiles", "484.19", "484.2"), ("prompt_id", "7b6a3cb4", "7b6a3cb5"),
      ("sample_id", "d9f36c9d", "d9f36c9e"),
    ])
  func inconsistency(key: String, right: String, wrong: String) throws {
    let damaged = Self.reference.replacing(right, with: wrong)
    var reader = LengthRowReader(text: damaged)
    let row = try #require(try reader.next())
    #expect(row.inconsistentKey() == key)
  }
}
