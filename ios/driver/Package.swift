// swift-tools-version:6.0
import PackageDescription

// The driver of the QA runner (docs/qa.md). A package of its own, so that apps that take Curo never build it.
let package = Package(
    name: "CuroDriver",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "curo-driver-swift", targets: ["Driver"])
    ],
    dependencies: [
        .package(name: "Curo", path: "..")
    ],
    targets: [
        .executableTarget(name: "Driver", dependencies: [.product(name: "Curo", package: "Curo")])
    ],
    swiftLanguageModes: [.v6]
)
