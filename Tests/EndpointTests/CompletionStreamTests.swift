import Testing

@testable import Endpoint

@Suite struct CompletionStreamTests {
  /// In pieces of `size` bytes.
  private func stream(_ text: String, size: Int) -> CompletionStream {
    var stream = CompletionStream()
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { _ = stream.receive($0) }
    }
    return stream
  }

  @Test("Tokens are counted however the stream is cut", arguments: [1, 7, 4096])
  func tokens(_ size: Int) {
    let raw = stream(
      """
      : ping\n
      data: {"choices": [{"text": "a", "finish_reason": null}]}\n
      data: {"choices": [{"text": "", "finish_reason": null}]}\n
      data: {"choices": [{"text": "b", "finish_reason": "length"}]}\n
      data: {"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 3}}\n
      data: [DONE]\n\n
      """, size: size)
    #expect(raw.pieces == 3 && raw.isEnded && raw.failure == nil)
    #expect(raw.promptTokens == 4 && raw.answerTokens == 3)
    let chat = stream(
      """
      data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n
      data: {"choices": [{"delta": {"reasoning_content": "hm"}}]}\n
      data: {"choices": [{"delta": {"content": "yes"}}]}\n
      data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n
      """, size: size)
    #expect(chat.pieces == 2 && chat.isEnded && chat.answerTokens == nil)
  }

  @Test func `What is no answer is told apart`() {
    #expect(!stream("data: {\"choices\": [{\"text\": \"a\"}]}\n\n", size: 9).isEnded)
    #expect(stream("data: {\"error\": {\"message\": \"full\"}}\n\n", size: 9).failure == "full")
    #expect(stream("data: <html>\n\n", size: 9).failure != nil)
    let body = stream("{\"error\": {\"message\": \"no such\\n model\"}}", size: 9)
    #expect(body.pieces == 0 && !body.isEnded && body.errorMessage == "no such model")
  }
}
