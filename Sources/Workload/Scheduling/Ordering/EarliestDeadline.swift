/// By the deadline of the first token: arrival plus the target of the request's class. With
/// predictions it is the deadline of the last token, arrival + TTFT + TPOT x predicted length, less
/// the time that the answer will take: least slack first.
package struct EarliestDeadline: OrderingPolicy {
  /// What a class of service is promised.
  package struct Target: Equatable, Sendable {
    package var firstToken: Time
    package var perToken: Time

    package init(firstToken: Time, perToken: Time) {
      self.firstToken = firstToken
      self.perToken = perToken
    }
  }

  /// By `RequestState.serviceClass`; the last one holds for the classes beyond.
  package var targets: [Target]
  /// What a token takes, for the slack; zero orders by the first token's deadline alone.
  package var serviceTime: Time

  package init(targets: [Target], serviceTime: Time = .zero) {
    self.targets = targets
    self.serviceTime = serviceTime
  }

  package var name: String { serviceTime == .zero ? "edf" : "least-slack" }
  package var usesPredictions: Bool { serviceTime > .zero }

  package func key(of request: RequestState, at now: Time) -> Double {
    guard let last = targets.last else { return request.arrival.seconds }
    let target =
      targets.indices.contains(request.serviceClass) ? targets[request.serviceClass] : last
    let deadline = request.arrival.seconds + target.firstToken.seconds
    guard serviceTime > .zero, let prediction = request.prediction else { return deadline }
    let spare = target.perToken.seconds - serviceTime.seconds
    return deadline + spare * prediction.expectedRemaining()
  }
}
