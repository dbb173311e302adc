import Testing
import Workload

@Suite struct TraceReaderTests {
  /// One small trace of every known format, all of the same three requests: at 0, 0.5 and 2 s.
  static let samples: [(format: String, text: String)] = [
    (
      "foretoken",
      "arrival_s,input_tokens,output_tokens,priority,client,class\n"
        + "0,10,3,0,a,x\n0.5,20,4,1,b,x\n2,30,5,0,a,y\n"
    ),
    (
      "azure",
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 23:59:59.7500000,10,3\r\n"
        + "2023-11-17 00:00:00.2500000,20,4\r\n2023-11-17 00:00:01.7500000,30,5\r\n"
    ),
    (
      "azure",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-02-29T01:00:00+01:00,10,3\n"
        + "2024-02-29 00:00:00.5+00:00,20,4\n2024-02-29 00:00:02Z,30,5"
    ),
    (
      "burstgpt",
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        + "5,1,2,ChatGPT,10,3,13,Conversation log\n5.5,,,\"GPT-4, new\",20,4,24,API log\n"
        + "6,1,2,ChatGPT,10,0,13,Conversation log\n7.0,1,2,ChatGPT,30,5,35,API log\n"
    ),
    (
      "vidur",
      "arrived_at,num_prefill_tokens,num_decode_tokens\n1e0,10,3\n1.5,20.0,4\n3,30,5\n"
    ),
    (
      "splitwise",
      "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"
        + "0,2,0,0,1,10,3\n1,2,0,0.5,1,20,4\n2,2,0,2,1,30,5\n"
    ),
    (
      "bailian",
      #"{"chat_id": 7, "parent_chat_id": -1, "timestamp": 61.0, "input_length": 10, "#
        + #""output_length": 3, "type": "text", "turn": 1, "hash_ids": [1, 2]}"# + "\n"
        + #"{"chat_id": 8, "parent_chat_id": 7, "timestamp": 61.5, "input_length": 20, "#
        + #""output_length": 4, "type": "search", "turn": 2, "hash_ids": [1]}"# + "\n"
        + #"{"chat_id":9,"timestamp":63,"input_length":30,"output_length":5,"hash_ids":[]}"#
    ),
    (
      "mooncake",
      #"{"timestamp": 0, "input_length": 10, "output_length": 3, "hash_ids": [46, 47]}"# + "\n\n"
        + #"{"timestamp": 500, "input_length": 20, "output_length": 4, "hash_ids": [46]}"# + "\n"
        + #"{"hash_ids": [1,2], "timestamp": 2000, "input_length": 30, "output_length": 5}"# + "\n"
    ),
    (
      "llmservingsim",
      #"{"input_toks": 10, "output_toks": 3, "arrival_time_ns": 46926808, "ids": [[1], {"a": "]"}]}"#
        + "\n" + #"{"input_toks": 20, "output_toks": 4, "arrival_time_ns": 546926808}"# + "\n"
        + #"{"input_toks": 30, "output_toks": 5, "arrival_time_ns": 2046926808}"#
    ),
    (
      "vllm",
      #"{"request_id": "bench-0", "input_toks": 10, "output_toks": 3, "arrival_time": 1787267980.25}"#
        + "\n" + #"{"request_id": "a\"b", "input_toks": 20, "output_toks": 4, "#
        + #""arrival_time": 1787267980.75}"# + "\n"
        + #"{"request_id": null, "input_toks": 30, "output_toks": 5, "arrival_time": 1787267982.25}"#
    ),
  ]

  @Test("Every format is told from its first line and read alike", arguments: samples)
  func formats(format: String, text: String) throws {
    // Pieces of three bytes cut every field somewhere.
    for chunk in [3, 1 << 16] {
      var reader = try TraceReader(BytesInMemory(text, chunkSize: chunk), name: "t")
      #expect(reader.schema.name == format)
      let requests = try reader.collect()
      #expect(requests.map(\.id) == [0, 1, 2])
      #expect(requests.map(\.inputLength) == [10, 20, 30])
      #expect(requests.map(\.outputLength) == [3, 4, 5])
      #expect(
        requests.map(\.arrival) == [.zero, Time(milliseconds: 500), Time(milliseconds: 2000)])
    }
  }

  @Test func `Lengths without arrivals are all at time zero`() throws {
    var reader = try TraceReader(
      BytesInMemory("num_prefill_tokens,num_decode_tokens,pd_ratio\n10,3,3.3\n20,4,5\n"), name: "t")
    #expect(reader.schema.name == "lengths")
    #expect(try reader.collect().map(\.arrival) == [.zero, .zero])
  }

  @Test func `Names and prefix hashes are kept, failures are counted`() throws {
    var burst = try TraceReader(BytesInMemory(Self.samples[3].text), name: "t")
    #expect(try burst.collect().map(\.serviceClass) == [0, 1, 0])
    #expect(burst.classes.names == ["ChatGPT", "GPT-4, new"])
    #expect(burst.counts.unanswered == 1)
    var mooncake = try TraceReader(BytesInMemory(Self.samples[7].text), name: "t")
    #expect(try mooncake.collect().map(\.prefixHashes) == [[46, 47], [46], [1, 2]])
  }

  @Test(
    "A wrong row is an error with its line and column",
    arguments: [
      ("0,10,3\n1,x,4\n", 3, "input_tokens"),
      ("0,10,3\n1,10,-4\n", 3, "output_tokens"),
      ("0,10,3\n\n1,10,2.5\n", 4, "output_tokens"),
      ("5,10,3\n4,10,3\n", 3, "arrival_s"),
      ("0,10,99999999999999999999\n", 2, "output_tokens"),
      ("0,0,3\n", 2, "input_tokens"),
      ("soon,1,3\n", 2, "arrival_s"),
      ("0,10,3\n1e9,10,3\n", 3, "arrival_s"),
      ("0,10\n", 2, nil),
    ] as [(String, Int, String?)])
  func wrongRows(rows: String, line: Int, column: String?) throws {
    let text = "arrival_s,input_tokens,output_tokens\n" + rows
    var reader = try TraceReader(BytesInMemory(text), name: "trace.csv")
    let error = #expect(throws: WorkloadError.self) { _ = try reader.collect() }
    #expect(error?.line == line)
    #expect(error?.column == column)
    #expect(error?.description.hasPrefix("trace.csv:\(line)") == true)

    var skipping = try TraceReader(BytesInMemory(text), name: "trace.csv", skipsBad: true)
    _ = try skipping.collect()
    #expect(skipping.counts.bad == 1)
    #expect(skipping.counts.firstBad == error)
  }

  @Test(
    "What is not a JSON object is an error, not a crash",
    arguments: [
      "{", "{\"a\"", "{\"a\":", "{\"a\": [1, 2", "{\"a\": 1", "{\"a\": 1} x", "{\"a\": \"x", "{,}",
      "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 3, \"hash_ids\": [1, x]}",
      "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 3, \"hash_ids\": 7}",
      "{\"timestamp\": 0, \"output_length\": 3}",
    ])
  func brokenObjects(text: String) throws {
    let schema = try TraceSchema.named("mooncake")
    #expect(throws: WorkloadError.self) {
      var reader = try TraceReader(BytesInMemory(text), name: "t", schema: schema)
      _ = try reader.collect()
    }
  }

  @Test(
    "A first line that names nothing known is an error", arguments: ["", "\n\n", "a,b,c\n1,2,3"])
  func unknown(text: String) {
    #expect(throws: WorkloadError.self) { try TraceReader(BytesInMemory(text), name: "t") }
  }

  @Test func `Columns can be named by hand`() throws {
    let schema = try TraceSchema.columns(
      "arrival=when:ms,input=in,output=out,client=who,hashes=h", container: .csv)
    var lines = try TraceReader(
      BytesInMemory(#"{"when": 1.5, "in": 3, "out": 4, "who": "x", "h": [-1]}"#), name: "t",
      schema: schema, rebases: false)
    let request = try #require(try lines.next())
    #expect(request.arrival == Time(milliseconds: 1.5))
    #expect(request.prefixHashes == [.max])
    for wrong in ["input=a", "inputs=a,output=b", "input=a,output=b,input=c", "input,output", ""] {
      #expect(throws: WorkloadError.self) {
        try TraceSchema.columns(wrong, container: .csv)
      }
    }
  }

  @Test("What a format writes it reads back", arguments: TraceSchema.known)
  func roundTrip(_ schema: TraceSchema) throws {
    var random = RandomSource(seed: 5)
    var clock = Time.zero
    var requests = (0..<200).map { id in
      // Whole nanoseconds: the finest that the coarsest of the formats holds.
      let gap = Int64(random.exponential() * 1e8) * 1000
      clock += id == 0 ? .zero : Time(picoseconds: gap)
      var request = Request(
        id: id, arrival: schema[.arrival] == nil ? .zero : clock,
        inputLength: Int.random(in: 1...9000, using: &random),
        outputLength: Int.random(in: 1...900, using: &random))
      if schema[.priority] != nil { request.priority = Int.random(in: -3...3, using: &random) }
      if schema[.hashes] != nil {
        request.prefixHashes = [random.next(), 5]
        request.prefixBlockSize = schema.hashBlockSize
      }
      return request
    }
    if schema[.client] != nil { for id in 0..<200 { requests[id].client = min(id, 7) } }
    let writer = TraceWriter(schema)
    let lines = (writer.header.map { [$0] } ?? []) + requests.map(writer.line)
    var reader = try TraceReader(
      BytesInMemory(lines.joined(separator: "\n")), name: "t")
    #expect(reader.schema == schema)
    #expect(try reader.collect() == requests)
  }

  @Test func `A transform selects, scales, clips and counts`() throws {
    let requests = (0..<10).map {
      Request(id: $0, arrival: Time(seconds: Double($0)), inputLength: 100, outputLength: 10 + $0)
    }
    var transform = TraceTransform()
    transform.window = Time(seconds: 2)..<Time(seconds: 9)
    transform.timeScale = 0.5
    transform.longestOutput = 15
    transform.longestTotal = 110
    var source = try TransformedRequests(ListedRequests(requests), transform)
    let kept = try source.collect()
    #expect(kept.map(\.arrival.seconds) == [0, 0.5, 1, 1.5, 2, 2.5, 3])
    #expect(kept.map(\.outputLength) == [12, 13, 14, 15, 15, 15, 15])
    #expect(kept.map(\.inputLength) == [98, 97, 96, 95, 95, 95, 95])
    #expect(source.counts.kept == 7)
    #expect(source.counts.outsideWindow == 2)
    #expect(source.counts.clippedInputs == 7)
    #expect(source.counts.clippedOutputs == 3)
    transform.keepShare = 0
    #expect(throws: WorkloadError.self) {
      try TransformedRequests(ListedRequests(requests), transform)
    }
  }
}
