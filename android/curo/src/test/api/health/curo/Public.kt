package health.curo

import java.io.File
import java.lang.reflect.Modifier
import kotlin.reflect.KCallable
import kotlin.reflect.KClass
import kotlin.reflect.KFunction
import kotlin.reflect.KParameter
import kotlin.reflect.KProperty
import kotlin.reflect.KType
import kotlin.reflect.KVisibility
import kotlin.reflect.full.declaredFunctions
import kotlin.reflect.full.declaredMemberProperties
import kotlin.reflect.jvm.kotlinFunction

// What a compiled module shows to apps, as Kotlin sees it. A module is named by one of its classes.

/** What is public in a package of a module, as it is written down in the module's api.txt. */
internal fun publicApi(
    module: KClass<*>,
    folder: String,
): String {
    val functions = publicFunctions(module, folder).map { listOf(it.line()) }
    val classes = publicClasses(module, folder).map { it.declaration() }
    return (classes + functions).joinToString("\n\n", postfix = "\n") { it.joinToString("\n") }
}

private fun Class<*>.kind(): Int? = getAnnotation(Metadata::class.java)?.kind

private fun compiledClasses(
    module: KClass<*>,
    folder: String,
): List<Class<*>> {
    val compiled = module.java.protectionDomain.codeSource.location
    return File(File(compiled.toURI()), folder)
        .listFiles { file -> file.extension == "class" }
        .orEmpty()
        .map { folder.replace('/', '.') + "." + it.nameWithoutExtension }
        .map { Class.forName(it, false, module.java.classLoader) }
}

private fun Class<*>.isPublic(): Boolean =
    kind() == 1 &&
        !isAnonymousClass &&
        !isLocalClass &&
        kotlin.visibility == KVisibility.PUBLIC &&
        (enclosingClass?.isPublic() ?: true)

/** The public classes of a package, those inside others included. */
internal fun publicClasses(
    module: KClass<*>,
    folder: String,
): List<KClass<*>> =
    compiledClasses(module, folder).filter { it.isPublic() }.map { it.kotlin }.sortedBy { it.qualifiedName }

/** The public functions of a package that stand in no class. */
internal fun publicFunctions(
    module: KClass<*>,
    folder: String,
): List<KFunction<*>> =
    compiledClasses(module, folder)
        .filter { it.kind() == 2 }
        .flatMap { file -> file.declaredMethods.filter { Modifier.isStatic(it.modifiers) && !it.isSynthetic } }
        .mapNotNull { it.kotlinFunction }
        .filter { it.visibility == KVisibility.PUBLIC }
        .sortedBy { it.name }

/** The public properties and functions that a class declares itself, without those that all objects have. */
internal fun KClass<*>.publicMembers(): List<KCallable<*>> {
    val functions = declaredFunctions.filter { it.name !in listOf("equals", "hashCode", "toString") }
    val members: List<KCallable<*>> = declaredMemberProperties + functions
    return members.filter { it.visibility == KVisibility.PUBLIC && !isOfEveryEnum(it) }.sortedBy { it.line() }
}

private fun KClass<*>.isOfEveryEnum(member: KCallable<*>): Boolean =
    java.isEnum && member.name in listOf("entries", "valueOf", "values")

/** The members' declarations, a line each. */
internal fun KClass<*>.declaration(): List<String> {
    val made = if (isSealed || java.isEnum) emptyList() else constructors.filter { it.visibility == KVisibility.PUBLIC }
    val entries = java.enumConstants?.map { "    entry ${(it as Enum<*>).name}" }.orEmpty()
    val lines = made.map { "    constructor(${it.takes()})" } + entries + publicMembers().map { "    ${it.line()}" }
    return listOf(head()) + lines
}

private fun KClass<*>.head(): String {
    val above = supertypes.map { it.short() }.filter { it != "Any" && !it.startsWith("Enum<") }
    val kind =
        listOfNotNull(
            "sealed".takeIf { isSealed },
            "value".takeIf { isValue },
            "fun".takeIf { isFun },
            "data".takeIf { isData },
            if (java.isInterface) {
                "interface"
            } else if (java.isEnum) {
                "enum"
            } else if (objectInstance != null) {
                "object"
            } else {
                "class"
            },
        )
    val extends = if (above.isEmpty()) "" else above.joinToString(prefix = " : ")
    return "${kind.joinToString(" ")} ${checkNotNull(qualifiedName).removePrefix("${java.packageName}.")}$extends"
}

/** A property or a function as it is declared. */
internal fun KCallable<*>.line(): String =
    when (this) {
        is KProperty<*> -> "val $name: ${returnType.short()}"
        else -> {
            val suspending = if (isSuspend) "suspend " else ""
            val receiver = parameters.firstOrNull { it.kind == KParameter.Kind.EXTENSION_RECEIVER }
            "${suspending}fun ${receiver?.let {
                it.type.short() + "."
            }.orEmpty()}$name(${takes()}): ${returnType.short()}"
        }
    }

private fun KCallable<*>.takes(): String =
    parameters
        .filter { it.kind == KParameter.Kind.VALUE }
        .joinToString { "${it.name}: ${it.type.short()}${if (it.isOptional) " = …" else ""}" }

private fun KType.short(): String =
    toString().replace(Regex("""kotlin\.collections\.|kotlin\.(?=[A-Z])|health\.curo\.(android\.)?(?!ffi)"""), "")
