/// A file of tensors: an ordinary `.safetensors`, a packed `.safetensors.zst`, or a `.gguf`.
///
/// The tensors of a GGUF file have their Hugging Face names, quantised ones are F32, the rows that
/// llama.cpp interleaves are in order again, and norms are without the one that it adds to Gemma's.
///
/// ## The packed format
///
/// `zstd -d` turns a packed file into a valid safetensors file that any reader opens. It is made of
/// independent zstd frames, each with its content size and checksum:
///
/// - frame 0 holds the safetensors header (length and JSON);
/// - each tensor follows as one or more frames, never a frame over two tensors, cut between rows at
///   multiples of 16, so that a frame becomes whole panels of a matrix;
/// - the last frame is the seek table of the zstd seekable format (`SeekTable`), which lets anyone
///   decode frames alone and in parallel.
///
/// Floats may be stored as byte planes (`BytePlanes`, which shows how to undo them in numpy): the
/// header then honestly says `U8` with shape `[planes] + shape`, and the metadata entry
/// `foretoken.planes` is a JSON object from the names of such tensors to their real types, as in
/// `{"model.embed_tokens.weight": "BF16"}`. The planes follow each other, each cut into frames at
/// the same rows.
///
/// Unpacking gives back the plain file bit for bit. Where its header was not the compact one that
/// the reference implementation and we write, the metadata entry `foretoken.header` keeps its JSON.
///
/// Opening reads the header and the table and checks that they agree with each other and with the
/// file's size; frames are checked as they are decoded.
package final class WeightFile: Sendable {
  /// The metadata entry that says which tensors are planes.
  static let planesKey = "foretoken.planes"
  /// The metadata entry that keeps a plain header which we would write otherwise.
  static let headerKey = "foretoken.header"

  package let path: String
  /// Bytes of the file.
  package var size: Int { file.size }
  package let isPacked: Bool
  /// The header's `__metadata__`, without the entries about packing.
  package let metadata: [String: String]
  /// What the tensors are (planes undone), in the order in which the file holds them.
  package let tensors: [TensorInfo]

  /// What a GGUF file says beside its tensors.
  package let gguf: GGUFHeader?

  let file: InputFile
  let budget: MemoryBudget
  let stored: [StoredTensor]
  private let originalHeader: String?
  private let indices: [String: Int]

  /// Opens `path` and checks its header; the kind is told from the bytes, not from the name.
  package init(path: String, budget: MemoryBudget = MemoryBudget()) throws(ModelError) {
    let file = try InputFile(path: path)
    let layout = try WeightLayout(file, budget: budget)
    self.path = path
    self.file = file
    self.budget = budget
    self.isPacked = layout.isPacked
    self.metadata = layout.metadata
    self.gguf = layout.gguf
    self.stored = layout.tensors
    self.originalHeader = layout.originalHeader
    self.tensors = layout.tensors.map(\.info)
    self.indices = Dictionary(
      uniqueKeysWithValues: layout.tensors.indices.map {
        (layout.tensors[$0].info.name, $0)
      })
  }

  /// The tensor called `name`, if there is one.
  package func tensor(_ name: String) -> TensorInfo? {
    indices[name].map { tensors[$0] }
  }

  /// Whether the tensor is stored as blocks of a few bits, which decode to F32.
  func isQuantised(_ name: String) -> Bool {
    indices[name].map { stored[$0].blockType != nil } ?? false
  }

  func stored(_ name: String) throws(ModelError) -> StoredTensor {
    guard let index = indices[name] else {
      throw ModelError(
        .mismatch, path: path, place: "tensor \(name)", problem: "is not in this file",
        advice: "`foretoken weights inspect` lists what is")
    }
    return stored[index]
  }

  /// Bytes of the file that hold the tensor at `index` of `tensors`.
  package func storedBytes(at index: Int) -> Int { stored[index].storedBytes }

  /// The header, length and JSON, of the plain file that this one stands for.
  func plainHeader() throws(ModelError) -> [UInt8] {
    if let originalHeader {
      let json = Array(originalHeader.utf8)
      return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
    }
    guard isPacked || gguf != nil || stored.contains(where: { $0.planes > 1 }) else {
      let end = stored.flatMap(\.chunks).first?.pieces.first?.offset ?? size
      var header = [UInt8](repeating: 0, count: end)
      try header.withUnsafeMutableBufferPointer { (bytes) throws(ModelError) in
        try file.read(at: 0, into: UnsafeMutableRawBufferPointer(bytes))
      }
      return header
    }
    return SafeTensorsHeader(tensors, metadata: metadata).encoded()
  }
}
