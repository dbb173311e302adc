extension DenseNetwork: Codable {
  private enum CodingKeys: String, CodingKey { case layers, standardisation, parameters }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    do {
      try self.init(
        values.decode([Layer].self, forKey: .layers),
        standardisation: values.decodeIfPresent(Standardisation.self, forKey: .standardisation),
        parameters: values.decode([Float].self, forKey: .parameters))
    } catch let error as LearningError {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: error.description))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(layers, forKey: .layers)
    try values.encodeIfPresent(standardisation, forKey: .standardisation)
    try values.encode(parameters, forKey: .parameters)
  }
}
