internal import FoundationEssentials

/// The weights of one model: a file, or several that an index puts together (shards).
package struct Checkpoint: Sendable {
  /// The file, or the index.
  package let path: String
  package let files: [WeightFile]
  /// Which file has a tensor.
  private let places: [String: Int]

  static let packedName = "model.safetensors.zst"
  static let plainName = "model.safetensors"
  static let indexName = "model.safetensors.index.json"
  /// No model comes in more files.
  private static let mostShards = 4096

  /// A checkpoint in one file.
  package init(_ file: WeightFile) {
    path = file.path
    files = [file]
    places = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, 0) })
  }

  /// The checkpoint of a model: of a folder, or a weight file.
  ///
  /// - Throws: `missing` when there are no weights or a shard is not there, `malformed` for an index
  ///   that does not fit its shards, and what `WeightFile` throws.
  package init(path: String) throws(ModelError) {
    guard JSONFile.isFolder(path) else {
      self.init(try WeightFile(path: path))
      return
    }
    let whole = [Self.packedName, Self.plainName].map { "\(path)/\($0)" }
    if let file = whole.first(where: JSONFile.exists) {
      self.init(try WeightFile(path: file))
      return
    }
    let index = "\(path)/\(Self.indexName)"
    if JSONFile.exists(index) {
      try self.init(index: index, folder: path)
      return
    }
    let quantised = JSONFile.names(in: path).filter { $0.hasSuffix(".gguf") }.sorted()
    if quantised.count == 1 {
      self.init(try WeightFile(path: "\(path)/\(quantised[0])"))
      return
    }
    var advice = "put the weights there, or pack them with \"foretoken weights pack\""
    if quantised.count > 1 {
      advice = "name one of its GGUF files: \(quantised.joined(separator: ", "))"
    } else if JSONFile.exists(path + "/pytorch_model.bin") {
      advice = "pytorch_model.bin is not read; save the model as safetensors"
    }
    throw ModelError(
      .missing, path: path,
      problem: "there is neither \(Self.packedName) nor \(Self.plainName) nor \(Self.indexName)",
      advice: advice)
  }

  private init(index: String, folder: String) throws(ModelError) {
    let decoded: Index = try JSONFile.decode(index)
    let names = Set(decoded.weight_map.values).sorted()
    guard !names.isEmpty, names.count <= Self.mostShards else {
      throw ModelError(
        .malformed, path: index, place: "weight_map", problem: "names \(names.count) files")
    }
    var files: [WeightFile] = []
    var places: [String: Int] = [:]
    for name in names {
      guard !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(0),
        !["", ".", ".."].contains(name)
      else {
        throw ModelError(
          .malformed, path: index, place: "weight_map",
          problem: "\(name.asJSON) is not the name of a file in the folder")
      }
      files.append(try WeightFile(path: "\(folder)/\(name)"))
    }
    for (tensor, name) in decoded.weight_map.sorted(by: { $0.key < $1.key }) {
      guard let place = names.firstIndex(of: name), files[place].tensor(tensor) != nil else {
        throw ModelError(
          .malformed, path: "\(folder)/\(name)", place: "tensor \(tensor)",
          problem: "is not in the file where \(Self.indexName) says it is",
          advice: "the shards are not of one model, or one is not complete")
      }
      places[tensor] = place
    }
    path = index
    self.files = files
    self.places = places
  }

  private struct Index: Decodable {
    var weight_map: [String: String]
  }

  /// The tensor called `name`, if there is one.
  package func tensor(_ name: String) -> TensorInfo? {
    places[name].flatMap { files[$0].tensor(name) }
  }

  /// The type in memory that is nearest to how a tensor is stored.
  func weightType(of tensor: String) -> WeightType? {
    guard let place = places[tensor], let info = files[place].tensor(tensor) else { return nil }
    return files[place].isQuantised(tensor) ? .q8 : info.dtype.weightType
  }

  /// The file that has the tensor.
  func path(of tensor: String) -> String { places[tensor].map { files[$0].path } ?? path }

  package var elementCount: Int {
    files.reduce(0) { $0 + $1.tensors.reduce(0) { $0 + $1.elementCount } }
  }

  /// As `WeightFile.load`, file after file.
  package func load(
    _ requests: [TensorRequest], threads: Int,
    progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ModelError) {
    var parts = [[TensorRequest]](repeating: [], count: files.count)
    var bytes = [Int](repeating: 0, count: files.count)
    for request in requests {
      let place = places[request.name] ?? 0
      parts[place].append(request)
      bytes[place] += files[place].tensor(request.name)?.byteCount ?? 0
    }
    let total = bytes.reduce(0, +)
    var before = 0
    for (index, file) in files.enumerated() {
      let done = before
      try file.load(parts[index], threads: threads) { now, _ in progress?(done + now, total) }
      before += bytes[index]
    }
  }
}

extension Checkpoint {
  /// Bytes of the files.
  package var fileBytes: Int { files.reduce(0) { $0 + $1.size } }
}
