/// A safetensors header with the packing undone: the tensors that the file stands for.
struct LogicalHeader {
  struct Tensor {
    var info: TensorInfo
    /// 1: stored as it is. 2 or 4: stored as byte planes.
    var planes: Int
  }

  /// In the order of the header's entries.
  var tensors: [Tensor] = []
  /// Without the entries that are about packing.
  var metadata: [String: String]
  /// The JSON that the plain file had, where it is not what we would write.
  var original: String?

  /// - Throws: `malformed` for an entry about packing that does not fit the header.
  init(_ header: SafeTensorsHeader, path: String) throws(ModelError) {
    metadata = header.metadata
    original = metadata.removeValue(forKey: WeightFile.headerKey)
    var dtypes: [String: TensorDType] = [:]
    if let text = metadata.removeValue(forKey: WeightFile.planesKey) {
      dtypes = try Self.planes(text, path: path)
    }
    for entry in header.entries {
      let stored = entry.tensor
      guard let dtype = dtypes.removeValue(forKey: stored.name) else {
        tensors.append(Tensor(info: stored, planes: 1))
        continue
      }
      let planes = BytePlanes.count(for: dtype)
      guard planes > 1, stored.dtype == .u8, stored.shape.first == planes,
        let info = TensorInfo(
          name: stored.name, dtype: dtype, shape: Array(stored.shape.dropFirst()))
      else {
        throw ModelError(
          .malformed, path: path, place: "tensor \(stored.name)",
          problem: "\(stored.dtype.rawValue) \(stored.shape) cannot be the byte planes of"
            + " \(dtype.rawValue) values")
      }
      tensors.append(Tensor(info: info, planes: planes))
    }
    if let name = dtypes.keys.min() {
      throw ModelError(
        .malformed, path: path, place: "metadata \(WeightFile.planesKey)",
        problem: "names \(name.asJSON), which is not in the file")
    }
    if let original { try checkOriginal(original, path: path) }
  }

  /// The names of the tensors that are planes, with their real types.
  private static func planes(
    _ text: String, path: String
  ) throws(ModelError) -> [String: TensorDType] {
    var dtypes: [String: TensorDType] = [:]
    try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(ModelError) in
      var reader = SafeTensorsJSON(
        UnsafeRawBufferPointer(bytes), path: path, source: "metadata \(WeightFile.planesKey)")
      try reader.object { (reader, name) throws(ModelError) in
        let dtype = try reader.string()
        guard let known = TensorDType(rawValue: dtype) else {
          throw reader.fail("\(name.asJSON) has the unknown dtype \(dtype.asJSON)")
        }
        guard dtypes.updateValue(known, forKey: name) == nil else {
          throw reader.fail("\(name.asJSON) comes twice")
        }
      }
      try reader.finish()
    }
    return dtypes
  }

  /// The plain file's own header must describe the same tensors.
  private func checkOriginal(_ text: String, path: String) throws(ModelError) {
    let place = "metadata \(WeightFile.headerKey)"
    let total = tensors.reduce(0) { $0 + $1.info.byteCount }
    let header = try Array(text.utf8).withUnsafeBufferPointer {
      (bytes) throws(ModelError) in
      try SafeTensorsHeader(
        json: UnsafeRawBufferPointer(bytes), dataBytes: total, path: path, source: place)
    }
    guard header.entries.map(\.tensor) == tensors.map(\.info), header.metadata == metadata else {
      throw ModelError(
        .malformed, path: path, place: place, problem: "describes other tensors than the file has")
    }
  }
}
