# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Run by Blender's Python: an artist's walk with the add-on. Arguments: a JSON file that says where everything is.

What is seen on the way is written as JSON to `said`, for `test_blender_node.py` to judge.
"""

import json
import math
import sys
from pathlib import Path

import bpy
from mathutils import Vector

GIVEN = json.loads(Path(sys.argv[1]).read_text())
sys.path.insert(0, GIVEN["addons"])
import relamp  # noqa: E402
from relamp.blender_plugin import bake as bakes  # noqa: E402
from relamp.blender_plugin import group  # noqa: E402
from relamp.blender_plugin import rig as rigs  # noqa: E402

SAID = {}
FIRST, LAST = 1001, 1004


def main():
    relamp.register()
    relamp.unregister()  # as when it is switched off and on
    relamp.register()
    settings()
    try:
        bpy.ops.relamp.add()
        SAID["unsaved"] = refused(bpy.ops.relamp.version_up)
        bpy.ops.wm.save_as_mainfile(filepath=GIVEN["blend"], check_existing=False)
        node, comp = node_and_comp()
        tree = node.node_tree
        SAID["unconnected"] = refused(bpy.ops.relamp.bake)
        plate = image_node(comp, GIVEN["plate"])
        comp.links.new(plate.outputs[0], node.inputs["Plate"])
        render(comp, node, "untouched", (FIRST,))
        SAID["no_light"] = refused(bpy.ops.relamp.bake)
        tree.relamp.env, tree.relamp.python = GIVEN["env"], GIVEN["python"]
        tree.relamp.backbone, tree.relamp.shadows = "ratio", 0.0
        SAID["bake"] = list(bpy.ops.relamp.bake())
        SAID["status"] = tree.relamp.status
        SAID["space"] = next(
            n for n in tree.nodes if n.bl_idname == "CompositorNodeImage"
        ).image.colorspace_settings.name
        node, comp = node_and_comp()
        over = over_background(comp, node)
        render(comp, node, "baked", (FIRST, LAST + 1), over)
        node.inputs["Mix"].default_value = 0.25
        render(comp, node, "mixed", (FIRST,))
        node.inputs["Mix"].default_value = 1.0
        node.inputs["Lamp 1"].default_value = 0.5
        node.inputs["Lamp 1 Tint"].default_value = (2.0, 1.0, 0.0, 1.0)
        render(comp, node, "dimmed", (FIRST,))
        node.inputs["Lamp 1"].default_value = 1.0
        node.inputs["Lamp 1 Tint"].default_value = (1.0, 1.0, 1.0, 1.0)
        tree.relamp.env_exposure = 1.0
        SAID["other_settings"] = refused(bpy.ops.relamp.bake)
        bpy.ops.relamp.version_up()
        SAID["version"] = tree.relamp.version
        bpy.context.scene.frame_set(FIRST + 1)
        SAID["preview"] = list(bpy.ops.relamp.preview())
        render(comp, node, "preview", (FIRST + 1,))
        begun = bakes.begin(bpy.context.scene, tree, "baked")
        SAID["busy"] = refused(bpy.ops.relamp.bake)
        bpy.ops.relamp.cancel()
        begun.bake.wait()
        SAID["stopped"] = bakes.finish(begun).stopped
        SAID["goes_on"] = list(bpy.ops.relamp.bake())
        render(comp, node, "stop", (FIRST,))
        brighter_plate(comp, node, plate)
        bpy.ops.relamp.version_up()
        SAID["written"] = list(bpy.ops.relamp.bake())
        render(comp, node, "written", (FIRST,))
        bpy.ops.wm.save_mainfile()
        bpy.ops.wm.open_mainfile(filepath=GIVEN["blend"])
        node, comp = node_and_comp()
        SAID["reopened"] = node.node_tree.relamp.show
        render(comp, node, "reopened", (FIRST,))
        SAID["shadowed"] = shadowed(comp, node)
        lit_by_lamps(comp, node)
        heavy = {
            "torch",
            "diffusers",
            "OpenImageIO",
            "PyOpenColorIO",
            "onnxruntime",
            "cv2",
            "scipy",
            "click",
            "PySide6",
        }
        SAID["heavy"] = sorted(heavy & set(sys.modules))
    finally:
        relamp.unregister()
        Path(GIVEN["said"]).write_text(json.dumps(SAID))


def shadowed(comp, node):
    """Bake a plate on which a ball shadows a wall, and take the lamp away that throws the shadow."""
    tree = node.node_tree
    bpy.context.scene.frame_end = FIRST
    comp.links.new(image_node(comp, GIVEN["shadow_plate"]).outputs[0], node.inputs["Plate"])
    tree.relamp.env, tree.relamp.source_env = GIVEN["shadow_env"], GIVEN["shadow_source"]
    tree.relamp.shadows, tree.relamp.grain, tree.relamp.env_exposure = 1.0, "off", 0.0
    bpy.ops.relamp.version_up()
    done = list(bpy.ops.relamp.bake())
    render(comp, node, "shadowed", (FIRST,))
    node.inputs["Lamp 1"].default_value = 0.0
    render(comp, node, "without_sun", (FIRST,))
    return done


def lit_by_lamps(comp, node):
    """Put lights of Blender into the plate, move one, dim it, make passes, and throw a shadow on the ground."""
    scene, settings = bpy.context.scene, node.node_tree.relamp
    comp.links.new(image_node(comp, GIVEN["plate"]).outputs[0], node.inputs["Plate"])
    node.inputs["Lamp 1"].default_value = 1.0
    settings.env = settings.source_env = ""
    settings.shadows, scene.frame_end = 0.0, FIRST + 1
    SAID["passes"] = list(bpy.ops.relamp.make_passes())
    SAID["passes_status"], SAID["passes_path"] = settings.status, settings.passes
    settings.passes = ""
    collection = bpy.data.collections.new("Rig")
    scene.collection.children.link(collection)
    settings.rig_collection = collection
    scene.frame_end = FIRST
    SAID["no_lights"] = new_version()
    sun, scene.camera = lamp(collection, "Key", "SUN", energy=math.pi, color=(1.0, 0.5, 0.25)), None
    SAID["no_camera"] = new_version()
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera, camera.location, camera.rotation_euler = camera, (3, -4, 1), (math.pi / 2, 0, math.pi / 2)  # along -X
    # Toward the camera's left and its viewer: in Blender's world that is -Y and +X.
    sun.rotation_euler = Vector((1, -1, 0)).to_track_quat("Z", "Y").to_euler()
    settings.rig = "rig.json"
    SAID["two_rigs"] = new_version()
    settings.rig = ""
    SAID["rig"] = new_version()
    SAID["rig_names"] = group.Shown.from_json(settings.baked).rig
    render(comp, node, "sun_left", (FIRST,))
    node.inputs["Lamp 1"].default_value = 0.0
    render(comp, node, "sun_out", (FIRST,))
    node.inputs["Lamp 1"].default_value = 1.0
    sun.rotation_euler = Vector((1, 1, 0)).to_track_quat("Z", "Y").to_euler()
    SAID["moved"] = new_version()
    render(comp, node, "sun_right", (FIRST,))
    every_kind(collection, scene, settings)
    settings.layers = {"lamps", "shadow"}
    settings.ground, settings.shadows = "0.45,15", 1.0
    sun.rotation_euler = Vector((0.5, -1, 1)).to_track_quat("Z", "Y").to_euler()
    SAID["on_the_ground"] = new_version()
    render(comp, node, "on_the_ground", (FIRST,), socket="Shadow")
    times = comp.nodes.new("ShaderNodeMix")  # Blender writes no file of a picture that is one number all over
    times.data_type, times.blend_type, times.inputs[0].default_value = "RGBA", "MULTIPLY", 1.0
    one, other = (socket for socket in times.inputs if socket.type == "RGBA")
    comp.links.new(node.outputs["Image"], one)
    comp.links.new(node.outputs["Shadow"], other)
    render(comp, node, "on_no_ground", (LAST,), times)


def every_kind(collection, scene, settings):
    """What the lights of Blender are as a rig, in both axes; they are taken out again."""
    bpy.context.view_layer.update()
    first, last = (scene.camera.matrix_world @ Vector(v) for v in ((0.0, 0.0, -1.0), (1.0, 0.0, -1.0)))
    point = lamp(collection, "Bulb", "POINT", energy=100.0, use_shadow=False, use_temperature=True, temperature=3200.0)
    for frame, place in ((FIRST, first), (FIRST + 2, last)):
        point.location = place
        point.keyframe_insert("location", frame=frame)
    for curve in point.animation_data.action.layers[0].strips[0].channelbags[0].fcurves:
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"
    spot = lamp(collection, "Torch", "SPOT", spot_size=math.radians(40), spot_blend=0.3, shadow_soft_size=0.1)
    spot.matrix_world = scene.camera.matrix_world.copy()
    area = lamp(collection, "Window", "AREA", shape="RECTANGLE", size=1.0, size_y=0.5)
    area.location, area.scale, area.hide_render = first, (2, 2, 2), True
    frames = tuple(range(FIRST, FIRST + 3))
    bpy.context.view_layer.update()
    SAID["kinds"] = json.loads(rigs.text_of(scene, settings, frames))
    SAID["camera"] = json.loads(rigs.camera_text(scene, frames))
    settings.rig_space = "world"
    SAID["world"] = json.loads(rigs.text_of(scene, settings, frames))
    settings.rig_space = "camera"
    for made in (point, spot, area):
        bpy.data.objects.remove(made)


def lamp(collection, name, kind, **values):
    """A light of Blender, in a collection."""
    light = bpy.data.lights.new(name, kind)
    for key, value in values.items():
        setattr(light, key, value)
    made = bpy.data.objects.new(name, light)
    collection.objects.link(made)
    return made


def new_version():
    """Bake a new version; the sentence where that is refused."""
    bpy.ops.relamp.version_up()
    return refused(bpy.ops.relamp.bake)


def settings():
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = GIVEN["size"]
    scene.render.resolution_percentage = 100
    scene.render.use_compositing = True
    scene.view_settings.view_transform = "Raw"
    scene.frame_start, scene.frame_end = FIRST, LAST
    scene.frame_set(FIRST)


def node_and_comp():
    comp = bpy.context.scene.compositing_node_group
    return next(n for n in comp.nodes if n.bl_idname == "CompositorNodeGroup"), comp


def image_node(comp, pattern):
    image = bpy.data.images.load(pattern.replace("####", str(FIRST)))
    image.source = "SEQUENCE"
    node = comp.nodes.new("CompositorNodeImage")
    node.image, node.frame_start, node.frame_offset = image, FIRST, FIRST - 1
    node.frame_duration, node.use_auto_refresh = LAST - FIRST + 1, True
    return node


def over_background(comp, node):
    over = comp.nodes.new("CompositorNodeAlphaOver")
    over.inputs["Background"].default_value = (0.2, 0.4, 0.8, 1.0)
    comp.links.new(node.outputs["Image"], over.inputs["Foreground"])
    return over


def brighter_plate(comp, node, plate):
    stop = comp.nodes.new("CompositorNodeExposure")
    stop.inputs["Exposure"].default_value = 1.0
    comp.links.new(plate.outputs[0], stop.inputs["Image"])
    comp.links.new(stop.outputs["Image"], node.inputs["Plate"])


def render(comp, node, name, frames, over=None, socket="Image"):
    out = comp.nodes.new("CompositorNodeOutputFile")
    out.directory, out.file_name = GIVEN["out"], f"{name}.####"
    out.format.media_type = "MULTI_LAYER_IMAGE"
    out.format.file_format, out.format.color_depth = "OPEN_EXR_MULTILAYER", "32"
    out.file_output_items.new("RGBA", "relit")
    comp.links.new(node.outputs[socket], out.inputs["relit"])
    if over is not None:
        out.file_output_items.new("RGBA", "over")
        shown = next(socket for socket in over.outputs if socket.enabled)
        comp.links.new(shown, out.inputs["over"])
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        bpy.ops.render.render()
    comp.nodes.remove(out)
    bpy.context.scene.frame_set(FIRST)


def refused(button):
    """The sentence of a button that says no; empty when it did not."""
    try:
        button()
    except RuntimeError as error:  # how an operator's error report reaches a script
        return str(error)
    return ""


main()
