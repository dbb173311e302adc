internal import CCurl

/// A POST of some JSON.
package struct HTTPRequest: Sendable {
  package var url: String
  package var headers: [String]
  package var body: [UInt8]
  /// Seconds from start to end after which it is given up.
  package var timeout: Double

  package init(url: String, headers: [String] = [], body: [UInt8], timeout: Double) {
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
  }
}

/// What came back.
package struct HTTPResponse: Sendable {
  package var status: Int
  /// Seconds for which the server asks to be left alone; zero where it does not.
  package var retryAfter: Double
  /// Empty where a receiver took it.
  package var body: [UInt8]
  /// Seconds from the start to the first byte.
  package var firstByteSeconds: Double
  /// Seconds from the start to the last byte.
  package var seconds: Double
}

/// Why nothing came back, or not all of it.
package struct HTTPFailure: Error, Equatable {
  package var problem: String
  /// Trying again cannot help.
  package var isPermanent: Bool
}

/// HTTP requests on their way, any number at once on the caller's thread, by libcurl: it does
/// connections that are kept and used again, TLS, proxies (the usual environment) and time-outs.
package final class HTTPTransfers {
  package struct Finished: Sendable {
    package var id: Int
    package var result: Result<HTTPResponse, HTTPFailure>
  }

  /// The most bytes of a body.
  private static let largestBody = 64 << 20
  private static let connectSeconds = 10
  private static let isReady: Bool = ccurl_start() == CURLE_OK

  private let multi: UnsafeMutableRawPointer
  private var running: [UnsafeMutableRawPointer: Transfer] = [:]

  /// One request and what has come of its answer.
  private final class Transfer {
    let id: Int
    let headers: UnsafeMutablePointer<curl_slist>?
    let receiver: ((UnsafeRawBufferPointer) -> Void)?
    var body: [UInt8] = []
    var isTooLarge = false

    init(
      id: Int, headers: UnsafeMutablePointer<curl_slist>?,
      receiver: ((UnsafeRawBufferPointer) -> Void)?
    ) {
      self.id = id
      self.headers = headers
      self.receiver = receiver
    }

    deinit { curl_slist_free_all(headers) }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
      if let receiver {
        receiver(bytes)
        return true
      }
      isTooLarge = body.count + bytes.count > HTTPTransfers.largestBody
      if !isTooLarge { body.append(contentsOf: bytes) }
      return !isTooLarge
    }
  }

  /// - Throws: `invalidSetting` where libcurl cannot be started.
  package init() throws(EndpointError) {
    guard Self.isReady, let multi = curl_multi_init() else {
      throw EndpointError(.invalidSetting, url: "libcurl", problem: "cannot be started")
    }
    self.multi = multi
  }

  deinit {
    cancelAll()
    curl_multi_cleanup(multi)
  }

  package var runningCount: Int { running.count }

  /// Sends a request; `wait` gives its end under the name `id`.
  ///
  /// - Parameter receiver: gets the body piece by piece as it comes, for streams.
  /// - Throws: `invalidSetting` for a URL or headers that libcurl does not take.
  package func start(
    _ request: HTTPRequest, id: Int, receiver: ((UnsafeRawBufferPointer) -> Void)? = nil
  ) throws(EndpointError) {
    var headers: UnsafeMutablePointer<curl_slist>?
    // libcurl would ask first whether the body is welcome, which costs a second with some servers.
    for header in ["Content-Type: application/json", "Expect:"] + request.headers {
      headers = curl_slist_append(headers, header) ?? headers
    }
    let transfer = Transfer(id: id, headers: headers, receiver: receiver)
    guard let handle = curl_easy_init() else {
      throw EndpointError(.invalidSetting, url: request.url, problem: "no memory for a request")
    }
    let receive:
      @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?)
        -> Int = { bytes, size, count, context in
          guard let bytes, let context else { return 0 }
          let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
          let all = UnsafeRawBufferPointer(start: bytes, count: size * count)
          return transfer.receive(all) ? all.count : 0
        }
    let milliseconds = Int(min(max(request.timeout, 0.001), 1e6) * 1000)
    let codes = [
      ccurl_set_text(handle, CURLOPT_URL, request.url), ccurl_allow_web_only(handle),
      ccurl_set_number(handle, CURLOPT_POST, 1), ccurl_set_number(handle, CURLOPT_NOSIGNAL, 1),
      ccurl_set_number(handle, CURLOPT_CONNECTTIMEOUT, Self.connectSeconds),
      ccurl_set_number(handle, CURLOPT_TIMEOUT_MS, milliseconds),
      ccurl_set_text(handle, CURLOPT_USERAGENT, "foretoken"), ccurl_set_headers(handle, headers),
      request.body.withUnsafeBytes {
        ccurl_set_body(handle, $0.baseAddress, curl_off_t($0.count))
      },
      ccurl_set_receiver(handle, receive, Unmanaged.passUnretained(transfer).toOpaque()),
    ]
    guard codes.allSatisfy({ $0 == CURLE_OK }), curl_multi_add_handle(multi, handle) == CURLM_OK
    else {
      curl_easy_cleanup(handle)
      throw EndpointError(
        .invalidSetting, url: request.url, problem: "libcurl does not take this request")
    }
    running[handle] = transfer
  }

  /// Moves all requests on for at most so many seconds, or until one ends.
  package func wait(seconds: Double) -> [Finished] {
    var active: CInt = 0
    curl_multi_perform(multi, &active)
    var finished = collect()
    guard finished.isEmpty else { return finished }
    curl_multi_poll(multi, nil, 0, CInt(min(max(seconds, 0), 60) * 1000), nil)
    curl_multi_perform(multi, &active)
    finished = collect()
    return finished
  }

  package func cancelAll() {
    for handle in running.keys {
      curl_multi_remove_handle(multi, handle)
      curl_easy_cleanup(handle)
    }
    running = [:]
  }

  private func collect() -> [Finished] {
    var finished: [Finished] = []
    var left: CInt = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle,
        let transfer = running.removeValue(forKey: handle)
      else { continue }
      let code = message.pointee.data.result
      finished.append(Finished(id: transfer.id, result: Self.result(handle, code, transfer)))
      curl_multi_remove_handle(multi, handle)
      curl_easy_cleanup(handle)
    }
    return finished
  }

  private static let permanentCodes: Set<UInt32> = Set(
    [
      CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_PEER_FAILED_VERIFICATION,
      CURLE_SSL_CACERT_BADFILE, CURLE_WRITE_ERROR,
    ].map(\.rawValue))

  private static func result(
    _ handle: UnsafeMutableRawPointer, _ code: CURLcode, _ transfer: Transfer
  ) -> Result<HTTPResponse, HTTPFailure> {
    guard code == CURLE_OK else {
      let problem =
        transfer.isTooLarge
        ? "the answer has more than \(largestBody >> 20) MiB"
        : String(cString: curl_easy_strerror(code))
      return .failure(
        HTTPFailure(problem: problem, isPermanent: permanentCodes.contains(code.rawValue)))
    }
    func seconds(_ info: CURLINFO) -> Double { Double(ccurl_offset(handle, info)) / 1e6 }
    return .success(
      HTTPResponse(
        status: ccurl_number(handle, CURLINFO_RESPONSE_CODE),
        retryAfter: Double(ccurl_offset(handle, CURLINFO_RETRY_AFTER)), body: transfer.body,
        firstByteSeconds: seconds(CURLINFO_STARTTRANSFER_TIME_T),
        seconds: seconds(CURLINFO_TOTAL_TIME_T)))
  }
}
