/// A file of tensors: an ordinary `.safetensors`, or a packed `.safetensors.zst`.
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
/// Opening reads the header and the table and checks that they agree with each other and with the
/// file's size; frames are checked as they are decoded.
package final class WeightFile: Sendable {
  /// The metadata entry that says which tensors are planes.
  static let planesKey = "foretoken.planes"
  /// A frame that decodes to more than this is refused: loading holds a frame per thread.
  static let largestFrame = 1 << 28

  package let path: String
  /// Bytes of the file.
  package var size: Int { file.size }
  package let isPacked: Bool
  /// The header's `__metadata__`, without the entry about planes.
  package let metadata: [String: String]
  /// What the tensors are (planes undone), in the order in which the file holds them.
  package let tensors: [TensorInfo]

  let file: InputFile
  let budget: MemoryBudget
  let stored: [StoredTensor]
  private let indices: [String: Int]

  /// Opens `path` and checks its header; the kind is told from the bytes, not from the name.
  package init(path: String, budget: MemoryBudget = MemoryBudget()) throws(ModelError) {
    let file = try InputFile(path: path)
    let layout =
      try WeightLayout.beginsWithFrame(file)
      ? WeightLayout(packed: file, budget: budget) : WeightLayout(plain: file, budget: budget)
    self.path = path
    self.file = file
    self.budget = budget
    self.isPacked = layout.isPacked
    self.metadata = layout.metadata
    self.stored = layout.tensors
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

  func stored(_ name: String) throws(ModelError) -> StoredTensor {
    guard let index = indices[name] else {
      throw ModelError(
        .mismatch, path: path, place: "tensor \(name)", problem: "is not in this file",
        advice: "`foretoken weights inspect` lists what is")
    }
    return stored[index]
  }
}

/// Where a tensor's bytes are.
struct StoredTensor {
  var info: TensorInfo
  /// 1: row-major elements. 2 or 4: byte planes.
  var planes: Int
  /// In order, together all rows. Empty for a tensor without elements.
  var chunks: [Chunk]

  /// Some whole rows.
  struct Chunk {
    var rows: Range<Int>
    /// One for each plane.
    var pieces: [Piece]
  }

  /// Consecutive bytes of the file that give `decodedBytes` bytes.
  struct Piece {
    var offset: Int
    var storedBytes: Int
    var decodedBytes: Int
    /// The bytes are a zstd frame.
    var isFrame: Bool
  }

  /// Bytes of the file.
  var storedBytes: Int {
    chunks.reduce(0) { $0 + $1.pieces.reduce(0) { $0 + $1.storedBytes } }
  }
  /// zstd frames; 0 in a plain file.
  var frameCount: Int {
    chunks.reduce(0) { $0 + $1.pieces.count { $0.isFrame } }
  }
}

/// How tensors are cut into pieces of work.
enum ChunkRule {
  /// Cuts of a matrix fall on multiples of this many rows: a panel (`FT_PANEL`).
  static let rows = 16
  /// Elements of a chunk, or a little less. The planes of a 16-bit chunk are then 1 MiB each: they
  /// stay in a core's cache between decoding and packing, and there are enough of them to share.
  static let elements = 1 << 20

  /// The rows of each chunk of a tensor.
  static func cut(_ tensor: TensorInfo) -> [Range<Int>] {
    guard tensor.elementCount > 0 else { return [] }
    let step = max(rows, elements / tensor.columns / rows * rows)
    return stride(from: 0, to: tensor.rows, by: step).map { $0..<min($0 + step, tensor.rows) }
  }
}
